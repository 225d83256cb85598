//! Tensors out of a safetensors file that nobody vouches for.

use crate::choice::Invalid;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::{BTreeMap, BTreeSet};

/// The longest header: more than a thousand layers need.
const LONGEST_HEADER: u64 = 1 << 24;

/// A file whose tensors are taken one after the other, each of them once.
pub(crate) struct Tensors<'a> {
    file: SafeTensors<'a>,
    header: serde_json::Value,
    unread: BTreeSet<String>,
}

impl<'a> Tensors<'a> {
    /// Looks whether the file is whole. Nothing is allocated but for its header.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Invalid> {
        let foreign = |what: &str| Invalid(format!("not a safetensors file ({what})"));
        let (length, rest) = bytes.split_first_chunk().ok_or_else(|| foreign("it has no 8 bytes"))?;
        let length = u64::from_le_bytes(*length);
        if length > LONGEST_HEADER {
            return Err(foreign(&format!("its header would have {length} bytes")));
        }
        let (header, data) = rest.split_at_checked(length as usize).ok_or_else(|| {
            Invalid(format!("cut short: the header has {length} bytes, the file {} more", rest.len()))
        })?;
        let header: serde_json::Value =
            serde_json::from_slice(header).map_err(|e| foreign(&format!("its header is not JSON: {e}")))?;
        // The library adds these numbers up, which must not overflow.
        let places: BTreeMap<_, _> = header.as_object().into_iter().flatten().collect();
        for (name, place) in
            places.iter().filter_map(|(name, entry)| Some((name, entry.get("data_offsets")?)))
        {
            let end = place.get(1).and_then(|end| end.as_u64()).unwrap_or(0);
            if end > data.len() as u64 {
                let have = data.len();
                return Err(Invalid(format!("cut short: tensor {name} ends at byte {end} of {have}")));
            }
        }
        let file = SafeTensors::deserialize(bytes).map_err(|e| foreign(&e.to_string()))?;
        let unread = file.names().into_iter().map(String::from).collect();
        Ok(Self { file, header, unread })
    }

    /// A text among the metadata.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.header.get("__metadata__")?.get(key)?.as_str()
    }

    /// The bytes of a tensor, which must be of this type and shape.
    pub fn bytes(&mut self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8], Invalid> {
        let missing = |_| Invalid(format!("tensor {name} of shape {shape:?} is missing"));
        let found: TensorView<'a> = self.file.tensor(name).map_err(missing)?;
        if found.dtype() != dtype || found.shape() != shape {
            let (its, own) = (found.dtype(), found.shape());
            return Err(Invalid(format!(
                "tensor {name}: expected {dtype:?} {shape:?}, found {its:?} {own:?}"
            )));
        }
        self.unread.remove(name);
        Ok(found.data())
    }

    /// The names of the tensors not yet taken.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.unread.iter().map(String::as_str)
    }

    /// The type and shape of a tensor, if it is there.
    pub fn kind(&self, name: &str) -> Option<(Dtype, Vec<usize>)> {
        self.file.tensor(name).ok().map(|found| (found.dtype(), found.shape().to_vec()))
    }

    /// Checks a tensor's type and shape.
    pub fn expect(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<(), Invalid> {
        match self.kind(name) {
            Some((its, found)) if its == dtype && found == shape => Ok(()),
            _ => Err(self.wrong(name, dtype, &format!("{shape:?}"))),
        }
    }

    /// The error for a tensor that is not of this type and shape.
    pub fn wrong(&self, name: &str, dtype: Dtype, shape: &str) -> Invalid {
        let found = self.kind(name).map_or("none".into(), |(dtype, shape)| format!("{dtype:?} {shape:?}"));
        Invalid(format!("tensor {name}: expected {dtype:?} {shape}, found {found}"))
    }

    /// Leaves the tensors unread whose names begin so.
    pub fn ignore(&mut self, prefix: &str) {
        self.unread.retain(|name| !name.starts_with(prefix));
    }

    /// The entries of an `f32` tensor, which must be of this shape and all finite.
    pub fn numbers(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Invalid> {
        let (entries, _) = self.bytes(name, Dtype::F32, shape)?.as_chunks();
        let entries: Vec<f32> = entries.iter().map(|&b| f32::from_le_bytes(b)).collect();
        match entries.iter().position(|x| !x.is_finite()) {
            Some(at) => Err(Invalid(format!(
                "tensor {name}: entry {at} is {}, expected a finite number",
                entries[at]
            ))),
            None => Ok(entries),
        }
    }

    /// Closes the file, which must hold nothing else.
    pub fn finish(self) -> Result<(), Invalid> {
        match self.unread.first() {
            Some(name) => Err(Invalid(format!("tensor {name} is not one of this network's"))),
            None => Ok(()),
        }
    }
}
