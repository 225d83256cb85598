//! Finds a learner's solutions in a folder.

use super::Exercise;
use std::path::{Path, PathBuf};

/// What one learner has handed in.
#[derive(Clone, Debug)]
pub struct HandedIn {
    /// The folder, as it was given.
    pub name: String,
    /// The files, by exercise, in the book's order.
    pub files: Vec<(String, PathBuf)>,
}

impl HandedIn {
    /// Looks for every exercise in `folder`, which may be a copy of `book/exercises`, of the `exercises` in it, or
    /// hold the files side by side.
    ///
    /// # Errors
    /// In one line, if it is no folder or holds no exercise.
    pub fn find(folder: &Path, exercises: &[Exercise]) -> Result<Self, String> {
        let name = folder.display().to_string();
        if !folder.is_dir() {
            return Err(format!("{name} is no folder"));
        }
        let file = |exercise: &Exercise| {
            let own = exercise.file();
            let places = [Path::new("exercises").join(&own), own.clone(), own.file_name()?.into()];
            let found = places.into_iter().map(|place| folder.join(place)).find(|path| path.is_file())?;
            Some((exercise.name.clone(), found))
        };
        let files: Vec<_> = exercises.iter().filter_map(file).collect();
        if files.is_empty() {
            let first = exercises.first().map_or(PathBuf::new(), Exercise::file);
            return Err(format!("{name} holds no exercise, such as exercises/{}", first.display()));
        }
        Ok(Self { name, files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn exercises() -> Vec<Exercise> {
        ["a1", "b1"].map(|name| Exercise { name: name.into(), dir: "1_first".into() }).into()
    }

    #[test]
    fn three_ways_to_hand_in() {
        for place in ["exercises/1_first/b1.rs", "1_first/b1.rs", "b1.rs"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            let found = HandedIn::find(folder.path(), &exercises()).unwrap();
            assert_eq!(found.files, [("b1".to_owned(), path)]);
        }
    }

    #[test]
    fn a_folder_without_exercises_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| HandedIn::find(path, &exercises()).unwrap_err();
        assert!(refused(folder.path()).ends_with("holds no exercise, such as exercises/1_first/a1.rs"));
        assert!(refused(&folder.path().join("none")).ends_with("is no folder"));
    }
}
