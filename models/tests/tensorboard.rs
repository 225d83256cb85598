//! TensorBoard's files, read back by a reader of the test's own: framing, checksums, and the numbers of metrics.csv.

use models::metrics::{HEADER, curve};
use models::tensorboard::{Chart, Events};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// CRC-32C (Castagnoli), bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The records of a file, their frames and checksums checked.
fn records(mut file: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !file.is_empty() {
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let sum = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!(sum(8), masked(&file[..8]));
        let data = &file[12..12 + length];
        assert_eq!(sum(12 + length), masked(data));
        records.push(data);
        file = &file[16 + length..];
    }
    records
}

/// The fields of a protocol buffer: number, and content. Numbers of fixed width come as their bytes, a varint as 8 of them.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (&first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first < 0x80 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                found.push((key >> 3, varint(&mut bytes).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            kind => panic!("wire type {kind}"),
        };
        let (content, rest) = bytes.split_at(length);
        found.push((key >> 3, content.to_vec()));
        bytes = rest;
    }
    found
}

fn field(fields: &[(u64, Vec<u8>)], number: u64) -> &[u8] {
    fields.iter().find(|(n, _)| *n == number).map_or(&[], |(_, content)| content)
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect()
}

/// Points by name: (step, the scalar or [min, max, num, sum, sum of squares, buckets …]).
type Points = BTreeMap<String, Vec<(u64, Vec<f64>)>>;

/// All points of the files in a folder, and the steps at which a session began.
fn read(folder: &Path) -> (Points, Vec<u64>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut points, mut starts) = (Points::new(), Vec::new());
    for path in paths {
        assert!(path.file_name().unwrap().to_str().unwrap().contains("tfevents"));
        let file = fs::read(path).unwrap();
        for (number, record) in records(&file).into_iter().enumerate() {
            let event = fields(record);
            let step = field(&event, 2).try_into().map_or(0, u64::from_le_bytes);
            assert!(doubles(field(&event, 1))[0] > 1e9, "seconds since 1970");
            match number {
                0 => assert_eq!(field(&event, 3), b"brain.Event:2"),
                1 => {
                    assert_eq!(field(&fields(field(&event, 7)), 1), 1u64.to_le_bytes());
                    starts.push(step);
                }
                _ => {}
            }
            for (_, value) in fields(field(&event, 5)) {
                let value = fields(&value);
                let name = String::from_utf8(field(&value, 1).to_vec()).unwrap();
                let histogram = fields(field(&value, 5));
                let numbers = match field(&value, 2) {
                    [] => (1..=7).filter(|&n| n != 6).flat_map(|n| doubles(field(&histogram, n))).collect(),
                    scalar => vec![f32::from_le_bytes(scalar.try_into().unwrap()).into()],
                };
                points.entry(name).or_default().push((step, numbers));
            }
        }
    }
    (points, starts)
}

fn rnn(folder: &Path, arguments: &str) {
    let out = Command::new(env!("CARGO_BIN_EXE_rnn"))
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn the_checksum_is_the_one_of_the_standard() {
    // RFC 3720, B.4: 32 bytes of zeros.
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
}

#[test]
fn a_trainings_charts_are_its_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = "train --task sentence --hidden 6 --eval-every 5";
    rnn(folder, &format!("{train} --steps 20 --out run --tensorboard tb"));
    rnn(folder, "train --resume run --steps 30 --tensorboard tb");
    rnn(folder, &format!("{train} --steps 30 --out other"));
    let (points, starts) = read(&folder.join("tb"));
    assert_eq!(starts, [1, 21], "a resumed training says where it goes on");

    let csv = fs::read_to_string(folder.join("run/metrics.csv")).unwrap();
    for column in HEADER.split(',').skip(1) {
        let expected = curve(&csv, column).unwrap();
        assert_eq!(expected.len(), 6, "{column}");
        let found: Vec<_> = points[column].iter().map(|(step, x)| (*step as f64, x[0])).collect();
        let expected: Vec<_> = expected.into_iter().map(|(step, x)| (step, f64::from(x as f32))).collect();
        assert_eq!(found, expected, "{column}");
    }
    // 4·6 rows of weights of 26 characters.
    for (name, count, range) in [
        ("gradients/rnn.weight_ih_l0", 24.0 * 26.0, -10.0..10.0),
        ("gradients/rnn.bias_l0", 24.0, -10.0..10.0),
        ("gates/l0/i", 69.0 * 6.0, 0.0..1.0),
        ("gates/l0/f", 69.0 * 6.0, 0.0..1.0),
        ("gates/l0/o", 69.0 * 6.0, 0.0..1.0),
    ] {
        assert_eq!(points[name].iter().map(|(step, _)| *step).collect::<Vec<_>>(), [5, 10, 15, 20, 25, 30]);
        for (_, numbers) in &points[name] {
            let [min, max, num, ..] = numbers[..] else { panic!("{numbers:?}") };
            assert!(range.contains(&min) && range.contains(&max) && min < max, "{name}: {min} {max}");
            assert_eq!((num, numbers[5..].iter().sum()), (count, count), "{name}");
        }
    }
    let same = |file: &str| {
        fs::read(folder.join("run").join(file)).unwrap() == fs::read(folder.join("other").join(file)).unwrap()
    };
    assert!(same("model.safetensors"), "looking changes no bit of what is looked at");
}

#[test]
fn histograms_hold_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = Events::create(folder.path(), 0).unwrap();
    let values = [-1.0, 0.0, 0.01, 0.5, 2.9, 3.0];
    let charts = [("h".to_string(), Chart::histogram(&values)), ("same".into(), Chart::histogram(&[2.0; 4]))];
    events.write(3, &charts).unwrap();
    let (points, _) = read(folder.path());
    let (step, h) = &points["h"][0];
    let squares = values.map(|x| f64::from(x).powi(2)).iter().sum::<f64>();
    assert_eq!((*step, &h[..3]), (3, &[-1.0, 3.0, 6.0][..]));
    assert!((h[3] - 5.41).abs() < 1e-6 && (h[4] - squares).abs() < 1e-12);
    // Buckets of 4/32 = 0.125: −1 is in the first, 0 and 0.01 in the ninth, 3 still in the last.
    let full = |k: usize| h[5 + k];
    assert_eq!((full(0), full(8), full(12), full(31)), (1.0, 2.0, 1.0, 2.0));
    assert_eq!(points["same"][0].1, [2.0, 2.0, 4.0, 8.0, 16.0, 4.0]);
    let Chart::Histogram(h) = Chart::histogram(&values) else { panic!("a histogram") };
    assert_eq!((h.bucket_limit[0], h.bucket_limit[31], h.bucket_limit.len()), (-0.875, 3.0, 32));
}

/// A second file beside the first, never over it.
#[test]
fn two_files_of_one_second() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (Events::create(folder.path(), 0).unwrap(), Events::create(folder.path(), 0).unwrap());
    assert_ne!(a.path(), b.path());
}
