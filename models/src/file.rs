//! Files: read whole up to a limit, written whole or not at all.

use crate::choice::Invalid;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// If it cannot be read, or is longer.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Invalid> {
    let mut bytes = Vec::new();
    let file = File::open(path).map(|file| file.take(limit + 1));
    file.and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|e| Invalid(format!("cannot read {}: {e}", path.display())))?;
    if bytes.len() as u64 > limit {
        return Err(Invalid(format!(
            "{} is larger than {limit} bytes; is it the right file?",
            path.display()
        )));
    }
    Ok(bytes)
}

/// How far [`replace`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The new bytes are in a temporary file beside the old one.
    Written,
    /// They are on the disk, and not in a buffer only.
    Synced,
    /// The temporary file has taken the old one's name and place.
    Renamed,
    /// That, too, is on the disk.
    Finished,
}

/// Replaces a file, or makes it, such that at every moment either the old one is there or the new one, whole.
///
/// The order makes it so: write to a temporary file, force its bytes to the disk (fsync), rename it over the old file,
/// which POSIX makes one indivisible step, and force the folder to the disk. Without the first fsync a power cut could
/// leave the new name on an empty file; without the second it could bring the old file back, which is whole too.
///
/// # Errors
/// If the disk is full or the folder not writable; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Invalid> {
    replace_up_to(path, bytes, Stage::Finished)
}

/// Goes no further than the end of this stage, and leaves the folder as it then is: as if the process had been killed
/// there. For tests.
///
/// # Errors
/// As [`replace`].
pub fn replace_up_to(path: &Path, bytes: &[u8], last: Stage) -> Result<(), Invalid> {
    let temporary = temporary(path);
    stages(path, &temporary, bytes, last).map_err(|e| {
        let _ = fs::remove_file(&temporary);
        Invalid(format!("cannot write {}: {e}", path.display()))
    })
}

// ANCHOR: stages
fn stages(path: &Path, temporary: &Path, bytes: &[u8], last: Stage) -> io::Result<()> {
    let mut file = File::create(temporary)?;
    file.write_all(bytes)?;
    if last >= Stage::Synced {
        file.sync_all()?;
    }
    drop(file);
    if last >= Stage::Renamed {
        fs::rename(temporary, path)?;
    }
    // Where a folder cannot be opened like a file (Windows), the system keeps its own journal of names.
    if last >= Stage::Finished
        && let Ok(folder) = File::open(folder(path))
    {
        folder.sync_all()?;
    }
    Ok(())
}
// ANCHOR_END: stages

/// `model.safetensors.tmp` beside `model.safetensors`: the same folder is the same file system, where a rename is possible.
fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".tmp");
    name.into()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
