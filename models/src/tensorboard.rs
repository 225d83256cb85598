//! TensorBoard's event files: scalars and histograms over the steps of a training.
//!
//! A file is a row of records, each framed as TFRecord: the length of what follows (8 bytes, little endian), a checksum of
//! those 8 bytes, the data, a checksum of the data. The checksum is CRC-32C, turned by 15 bits and shifted by a constant, so
//! that the checksum of data that holds checksums is not weak. The data is a protocol buffer, `Event`; of its fields and those
//! of its parts, the ones that are written are declared below, with the numbers that `event.proto`, `summary.proto` and
//! `histogram.proto` of TensorFlow give them.

use crate::choice::Invalid;
use prost::{Message, Oneof};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// An event file that grows.
///
/// ```
/// use models::tensorboard::{Chart, Events};
/// let folder = std::env::temp_dir().join("unrolled-doc-events");
/// let mut events = Events::create(&folder, 0).unwrap();
/// events.write(10, &[("loss".into(), Chart::Scalar(0.5)), ("gate".into(), Chart::histogram(&[0.1, 0.9]))]).unwrap();
/// ```
#[derive(Debug)]
pub struct Events {
    file: File,
    path: PathBuf,
}

/// What is drawn under one name.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// A point of a curve.
    Scalar(f64),
    /// How often values occur.
    Histogram(Histogram),
}

/// How often values occur, in buckets from the least to the greatest.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// The least value.
    #[prost(double, tag = "1")]
    pub min: f64,
    /// The greatest.
    #[prost(double, tag = "2")]
    pub max: f64,
    /// How many there are.
    #[prost(double, tag = "3")]
    pub num: f64,
    /// Their sum.
    #[prost(double, tag = "4")]
    pub sum: f64,
    /// The sum of their squares.
    #[prost(double, tag = "5")]
    pub sum_squares: f64,
    /// The upper end of every bucket; the first begins at the least value.
    #[prost(double, repeated, tag = "6")]
    pub bucket_limit: Vec<f64>,
    /// How many values are in every bucket.
    #[prost(double, repeated, tag = "7")]
    pub bucket: Vec<f64>,
}

/// How many buckets a histogram has.
const BUCKETS: usize = 32;

impl Chart {
    /// The histogram of some values, in 32 buckets of equal width; in one, if all values are the same.
    pub fn histogram(values: &[f32]) -> Self {
        let values = || values.iter().map(|&x| f64::from(x));
        let (min, max) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let count = if min < max { BUCKETS } else { 1 };
        let width = (max - min) / count as f64;
        let mut bucket = vec![0.0; count];
        for x in values() {
            // In one bucket 0 / 0 is NaN, which as an integer is 0.
            bucket[(((x - min) / width) as usize).min(count - 1)] += 1.0;
        }
        let limit = |k: usize| if k + 1 == count { max } else { min + (k + 1) as f64 * width };
        Self::Histogram(Histogram {
            min,
            max,
            num: values().count() as f64,
            sum: values().sum(),
            sum_squares: values().map(|x| x * x).sum(),
            bucket_limit: (0..count).map(limit).collect(),
            bucket,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(oneof = "Drawn", tags = "2, 5")]
    drawn: Option<Drawn>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Drawn {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "5")]
    Histogram(Histogram),
}

#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    /// 1 for START.
    #[prost(int32, tag = "1")]
    status: i32,
}

impl Events {
    /// Makes a new file in a folder, beside those that are there. `step` is where the training goes on: what another file
    /// says of later steps, TensorBoard then forgets, as they are made again.
    ///
    /// # Errors
    /// If the folder or the file cannot be made.
    pub fn create(folder: &Path, step: u64) -> Result<Self, Invalid> {
        let seconds = now() as u64;
        let problem = |e| Invalid(format!("cannot write event files to {}: {e}", folder.display()));
        fs::create_dir_all(folder).map_err(problem)?;
        let mut number = 0;
        let (file, path) = loop {
            // TensorBoard reads the files of a folder in the order of their names.
            let path = folder.join(format!("events.out.tfevents.{seconds:010}.rnn.{number:03}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                opened => break (opened.map_err(problem)?, path),
            }
        };
        let mut events = Self { file, path };
        events.event(0, What::FileVersion("brain.Event:2".into()))?;
        events.event(step + 1, What::SessionLog(SessionLog { status: 1 }))?;
        Ok(events)
    }

    /// Adds a point to every chart that is named.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn write(&mut self, step: u64, charts: &[(String, Chart)]) -> Result<(), Invalid> {
        let value = charts.iter().map(|(tag, chart)| {
            let drawn = match chart {
                Chart::Scalar(x) => Drawn::Scalar(*x as f32),
                Chart::Histogram(histogram) => Drawn::Histogram(histogram.clone()),
            };
            Value { tag: tag.clone(), drawn: Some(drawn) }
        });
        self.event(step, What::Summary(Summary { value: value.collect() }))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn event(&mut self, step: u64, what: What) -> Result<(), Invalid> {
        let data = Event { wall_time: now(), step: step as i64, what: Some(what) }.encode_to_vec();
        let written = self.file.write_all(&framed(&data));
        written.map_err(|e: io::Error| Invalid(format!("cannot write {}: {e}", self.path.display())))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A record: length, its checksum, data, its checksum.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

/// The checksum of TFRecord: CRC-32C, turned by 15 bits to the right, plus a constant.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
