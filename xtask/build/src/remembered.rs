//! What was found out before, under a key of everything that it was found out from.
//!
//! 1. Files are known by their places, sizes and times: looking takes microseconds where reading takes milliseconds.
//! 2. An answer that cannot be kept or cannot be read is found out again; nobody is told.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::llvm::inputs::{field, hexadecimal};

/// What the loader finds libraries with: it is written anew with every library that is installed.
const LOADER_CACHE: &str = "/etc/ld.so.cache";

/// More than the steps of the clock that files get their times from.
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// A key in the making: of words, and of the states of files.
#[derive(Clone, Debug, Default)]
pub struct States(Sha256);

impl States {
    /// Adds a word.
    pub fn word(&mut self, word: impl AsRef<[u8]>) -> &mut Self {
        field(&mut self.0, word.as_ref());
        self
    }

    /// Adds a file that must be there.
    ///
    /// # Errors
    /// That it is not.
    pub fn file(&mut self, path: &Path) -> io::Result<&mut Self> {
        let metadata = fs::metadata(path)?;
        self.word(path.as_os_str().as_encoded_bytes());
        Ok(self.metadata(&metadata))
    }

    /// Adds a file, or that it is not there.
    pub fn file_if_there(&mut self, path: &Path) -> &mut Self {
        if self.file(path).is_err() {
            self.word(path.as_os_str().as_encoded_bytes())
                .word("not there");
        }
        self
    }

    /// Adds a program of the host: its file, and what its libraries are known by.
    pub fn program(&mut self, path: &Path) -> &mut Self {
        self.file_if_there(path)
            .file_if_there(Path::new(LOADER_CACHE))
    }

    /// Adds the names in a folder; returns them.
    pub fn names(&mut self, folder: &Path) -> BTreeSet<OsString> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let names: BTreeSet<_> = entries.map(|entry| entry.file_name()).collect();
        self.word(folder.as_os_str().as_encoded_bytes())
            .word(names.len().to_le_bytes());
        for name in &names {
            self.word(name.as_encoded_bytes());
        }
        names
    }

    /// The key.
    pub fn key(self) -> String {
        hexadecimal(&self.0.finalize())
    }

    fn metadata(&mut self, metadata: &Metadata) -> &mut Self {
        for number in [metadata.size(), metadata.ino()] {
            self.word(number.to_le_bytes());
        }
        for number in [metadata.mtime(), metadata.mtime_nsec()] {
            self.word(number.to_le_bytes());
        }
        self
    }
}

/// The files below these places, which are files or folders.
pub fn files_below<'a>(
    places: impl IntoIterator<Item = &'a Path>,
) -> impl Iterator<Item = PathBuf> {
    places.into_iter().flat_map(|place| {
        let entries = WalkDir::new(place).sort_by_file_name().into_iter();
        entries
            .flatten()
            .filter(|entry| entry.file_type().is_file())
            .map(walkdir::DirEntry::into_path)
    })
}

/// Whether a file is as it was at `start`, as far as its time says: one that was written since, or within the same
/// step of the clock, may not be what was read.
pub fn is_older(path: &Path, start: SystemTime) -> bool {
    let time = |metadata: Metadata| metadata.modified().ok();
    fs::metadata(path)
        .ok()
        .and_then(time)
        .is_some_and(|time| time + CLOCK_STEP < start)
}

/// A folder of answers, the most recently used ones.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    most: usize,
}

impl Store {
    /// In `folder`, of at most so many answers.
    pub fn new(folder: PathBuf, most: usize) -> Self {
        Self { folder, most }
    }

    /// The answer, made if it is not there.
    ///
    /// # Errors
    /// That it cannot be made.
    pub fn get_or_make<E>(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        if let Some(answer) = self.get(key) {
            return Ok(answer);
        }
        let answer = make()?;
        self.put(key, &answer);
        Ok(answer)
    }

    /// The answer, if it is there and as it was written.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(key);
        let bytes = fs::read(&path).ok()?;
        let (checksum, answer) = bytes.split_at_checked(Sha256::output_size())?;
        if Sha256::digest(answer).as_slice() != checksum {
            return None;
        }
        if let Ok(file) = File::options().append(true).open(&path) {
            // An answer that seems unused is merely found out again.
            let _ = file.set_modified(SystemTime::now());
        }
        Some(answer.to_vec())
    }

    /// Keeps an answer. It appears whole; the least recently used ones make room for it.
    pub fn put(&self, key: &str, answer: &[u8]) {
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            io::Write::write_all(&mut file, &Sha256::digest(answer))?;
            io::Write::write_all(&mut file, answer)?;
            file.persist(self.folder.join(key))?;
            Ok(())
        };
        if write().is_ok() {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let age = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .map(|entry| entry.path())
            .map(|path| (age(&path).unwrap_or(UNIX_EPOCH), path))
            .collect();
        files.sort();
        for (_, path) in files.iter().rev().skip(self.most) {
            // Another process may have removed it.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_moved_or_removed_changes_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let key = || {
            let mut states = States::default();
            states.file_if_there(&path);
            states.key()
        };
        let missing = key();
        fs::write(&path, "one").unwrap();
        let first = key();
        assert_eq!(key(), first);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(UNIX_EPOCH + Duration::from_secs(5))
            .unwrap();
        let touched = key();
        let other = folder.path().join("other");
        fs::write(&other, "two").unwrap();
        File::options()
            .append(true)
            .open(&other)
            .unwrap()
            .set_modified(UNIX_EPOCH + Duration::from_secs(5))
            .unwrap();
        fs::rename(&other, &path).unwrap();
        let moved = key();
        let keys = [missing, first, touched, moved];
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(one), "{index}");
        }
    }

    #[test]
    fn a_new_name_in_a_folder_changes_the_key_and_new_contents_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let key = || {
            let mut states = States::default();
            states.names(folder.path());
            states.key()
        };
        let empty = key();
        fs::write(folder.path().join("a"), "").unwrap();
        let one = key();
        fs::write(folder.path().join("a"), "text").unwrap();
        assert_eq!(key(), one);
        assert_ne!(one, empty);
    }

    #[test]
    fn what_was_just_written_is_not_older() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let now = SystemTime::now();
        assert!(!is_older(&path, now));
        assert!(is_older(&path, now + Duration::from_secs(1)));
        assert!(!is_older(
            &folder.path().join("none"),
            now + Duration::from_secs(1)
        ));
    }

    #[test]
    fn a_store_keeps_the_answers_that_are_used_and_refuses_damaged_ones() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("answers"), 2);
        assert_eq!(store.get_or_make("a", || Err("not made")), Err("not made"));
        let made = store.get_or_make("a", || Ok::<_, &str>(b"a".to_vec()));
        assert_eq!(made, store.get_or_make("a", || Err("known")));
        let old = SystemTime::now() - Duration::from_secs(100);
        for key in ["a", "b"] {
            store.put(key, key.as_bytes());
            File::options()
                .append(true)
                .open(folder.path().join("answers").join(key))
                .unwrap()
                .set_modified(old)
                .unwrap();
        }
        assert_eq!(store.get("a"), Some(b"a".to_vec()));
        store.put("c", b"c");
        assert_eq!(store.get("b"), None);
        assert_eq!(store.get("a"), Some(b"a".to_vec()));
        let path = folder.path().join("answers/c");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(store.get("c"), None);
    }
}
