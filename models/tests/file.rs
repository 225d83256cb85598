//! Writing files that survive: whatever happens on the way, a whole file is there.

use models::file::{Stage, read, replace, replace_up_to};
use std::fs;
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn killed_at_every_stage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    replace(&path, b"old").unwrap();
    for (stage, whole) in
        [(Stage::Written, "old"), (Stage::Synced, "old"), (Stage::Renamed, "new"), (Stage::Finished, "newer")]
    {
        let bytes: &[u8] = if stage == Stage::Finished { b"newer" } else { b"new" };
        replace_up_to(&path, bytes, stage).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole, "{stage:?}");
        let left: &[&str] =
            if stage <= Stage::Synced { &["checkpoint", "checkpoint.tmp"] } else { &["checkpoint"] };
        assert_eq!(names(folder.path()), left, "{stage:?}");
    }
    // Half a temporary file, longer than the next one, does no harm.
    fs::write(folder.path().join("checkpoint.tmp"), b"half of something much longer").unwrap();
    replace(&path, b"newest").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "newest");
    assert_eq!(names(folder.path()), ["checkpoint"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    replace(&path, b"old").unwrap();
    // What is written to /dev/full finds no room.
    std::os::unix::fs::symlink("/dev/full", folder.path().join("checkpoint.tmp")).unwrap();
    let error = replace(&path, b"new").unwrap_err().to_string();
    assert_eq!(error, format!("cannot write {}: No space left on device (os error 28)", path.display()));
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()), ["checkpoint"]);
    assert!(Path::new("/dev/full").exists());
}

#[test]
fn folders_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/file");
    let error = replace(&path, b"x").unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot write {}: ", path.display())), "{error}");
    let error = read(&path, 10).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read {}: ", path.display())), "{error}");
    assert!(read(folder.path(), 10).is_err());
}

#[test]
fn no_more_is_read_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [7; 10]).unwrap();
    assert_eq!(read(&path, 10), Ok(vec![7; 10]));
    let error = read(&path, 9).unwrap_err().to_string();
    assert_eq!(error, format!("{} is larger than 9 bytes; is it the right file?", path.display()));
    if cfg!(target_os = "linux") {
        // A file without an end.
        let error = read(Path::new("/dev/zero"), 1 << 16).unwrap_err().to_string();
        assert_eq!(error, "/dev/zero is larger than 65536 bytes; is it the right file?");
    }
}
