//! Where uploaded files lie: each collection has a folder of its own. Who changes
//! what is there has a [`Turn`]; files and what is known of them change together.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::undo::Undo;
use crate::error::{Error, Result};

/// The folders of uploaded files.
pub(super) struct Shelf {
    data_dir: PathBuf,
    uploads: PathBuf,
    turn: Mutex<()>,
}

/// The one turn to change what is there.
pub(super) struct Turn<'a> {
    shelf: &'a Shelf,
    _one: MutexGuard<'a, ()>,
}

/// A file in its place.
pub(super) struct Stored {
    /// The name that people know it by.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// What stood there before.
    pub(super) was: Was,
}

/// What stood in the place of a file before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Was {
    Nothing,
    TheSame,
    Replaced {
        /// Brings it back.
        undo: String,
    },
}

impl Shelf {
    /// The uploads of a data folder, given by the one path that leads there.
    pub(super) fn new(data_dir: PathBuf) -> Self {
        Self { uploads: data_dir.join("uploads"), data_dir, turn: Mutex::new(()) }
    }

    /// Where the files lie.
    pub(super) fn uploads(&self) -> &Path {
        &self.uploads
    }

    /// Where removed and replaced files are kept for a while.
    pub(super) fn trash(&self) -> PathBuf {
        self.data_dir.join("trash")
    }

    /// Waits for its turn.
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn { shelf: self, _one: self.turn.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl Turn<'_> {
    /// The shelf whose turn it is.
    pub(super) const fn shelf(&self) -> &Shelf {
        self.shelf
    }

    /// Moves files to their place. An earlier upload of the same name goes to the trash. Gives also the names that
    /// cannot be: something else stands there, or a file stands where they need a folder.
    ///
    /// # Errors
    /// When the file system refuses; then all is as it was before.
    pub(super) fn store(&self, collection: &str, files: Vec<(String, PathBuf)>) -> Result<(Vec<Stored>, Vec<String>)> {
        let folder = self.shelf.uploads.join(collection);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let mut stored: Vec<Stored> = Vec::with_capacity(files.len());
        let mut placeless = Vec::new();
        for (name, from) in files {
            let path = folder.join(&name);
            if !has_place(&path, &folder) {
                placeless.push(name);
                continue;
            }
            match self.settle(collection, &from, &path) {
                Ok(was) => stored.push(Stored { name, path, was }),
                Err(error) => {
                    self.take_back(&stored);
                    return Err(error);
                }
            }
        }
        Ok((stored, placeless))
    }

    /// Puts the file `from` at `to`.
    fn settle(&self, collection: &str, from: &Path, to: &Path) -> Result<Was> {
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        let was = if !to.exists() {
            Was::Nothing
        } else if same(from, to).map_err(Error::io(to))? {
            return Ok(Was::TheSame);
        } else {
            Was::Replaced { undo: Undo::keep_replaced(self, collection, to, from)? }
        };
        std::fs::rename(from, to).map_err(Error::io(to))?;
        Ok(was)
    }

    /// Leaves all as it was before the files were stored.
    pub(super) fn take_back(&self, stored: &[Stored]) {
        for Stored { path, was, .. } in stored {
            match was {
                // What cannot be removed is found by nobody.
                Was::Nothing => drop(std::fs::remove_file(path)),
                Was::TheSame => {}
                Was::Replaced { undo } => {
                    if let Some(undo) = Undo::read(self.shelf, undo)
                        && undo.put_back(self).is_ok_and(|back| back)
                    {
                        undo.forget();
                    }
                }
            }
        }
    }

    /// Removes the folders above a file that is gone, as far as they are empty.
    pub(super) fn tidy(&self, path: &Path) {
        let within = |folder: &&Path| folder.parent().is_some_and(|above| above.starts_with(&self.shelf.uploads));
        for folder in path.ancestors().skip(1).take_while(within) {
            // One that is not empty stays.
            if std::fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

/// Whether a file can stand at `path`, below `folder`.
fn has_place(path: &Path, folder: &Path) -> bool {
    let above = path.ancestors().skip(1).take_while(|above| *above != folder);
    !path.is_dir() && above.into_iter().all(|above| above.is_dir() || !above.exists())
}

/// Whether two files have the same bytes.
fn same(a: &Path, b: &Path) -> std::io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    let mut left = a.metadata()?.len();
    if left != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(ours.len());
        a.read_exact(&mut ours[..length])?;
        b.read_exact(&mut theirs[..length])?;
        if ours[..length] != theirs[..length] {
            return Ok(false);
        }
        left -= length as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(shelf: &Shelf, name: &str, text: &str) -> (Vec<Stored>, Vec<String>) {
        let from = shelf.data_dir.join("incoming");
        std::fs::write(&from, text).unwrap();
        shelf.turn().store("open", vec![(name.to_owned(), from)]).unwrap()
    }

    #[test]
    fn a_file_of_the_same_name_gives_way_and_can_come_back() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(data.path().to_owned());
        let put = |text: &str| put(&shelf, "a/kettle.md", text).0;
        let text = |stored: &[Stored]| std::fs::read_to_string(&stored[0].path).unwrap();
        let first = put("one");
        assert_eq!((&first[0].was, text(&first)), (&Was::Nothing, "one".to_owned()));
        assert_eq!(put("one")[0].was, Was::TheSame);
        let second = put("two");
        assert!(matches!(second[0].was, Was::Replaced { .. }) && second[0].path == first[0].path);
        assert_eq!(text(&second), "two");
        shelf.turn().take_back(&second);
        assert_eq!(text(&second), "one");
        shelf.turn().take_back(&first);
        assert!(!first[0].path.exists());
    }

    #[test]
    fn a_file_and_a_folder_cannot_have_one_name() {
        let data = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(data.path().to_owned());
        let refused = |name: &str| put(&shelf, name, "text").1;
        for (name, taken) in
            [("a.md", true), ("a.md/b.md", false), ("a.md/b/c.md", false), ("d/e.md", true), ("d", false)]
        {
            assert_eq!(refused(name).is_empty(), taken, "{name}");
        }
    }
}
