//! Finished distributions in the caches.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use walkdir::WalkDir;

use crate::error::{Error, Result, system, unpacking};
use crate::llvm::Request;
use crate::llvm::inputs::file_hash;
use crate::packing::{MANIFEST, Manifest};
use crate::paths::{Cache, Package};
use crate::shell::{Progress, shell};
use crate::temporary::TemporaryFolder;

/// Something that the cache holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub path: PathBuf,
    /// Its size on the disk, in bytes.
    pub size_bytes: u64,
}

/// Finds a distribution in the caches, or has it built; returns its folder.
///
/// # Errors
/// Which step failed, and what to do.
pub fn provide(
    cache: &Cache,
    package: Package,
    name: &str,
    request: &Request,
    build: impl FnOnce() -> Result<PathBuf>,
) -> Result<PathBuf> {
    if !request.force {
        if let Some(folder) = find(cache, name) {
            return Ok(folder);
        }
        if let Some(archive) = find_archive(cache, name) {
            return restore(cache, &archive, name);
        }
    }
    let _lock = lock(&cache.lock(package))?;
    // Another process may have built it while this one waited.
    if !request.force
        && let Some(folder) = find(cache, name)
    {
        return Ok(folder);
    }
    build()
}

/// Waits until nobody else holds the lock in this file.
pub fn lock(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        shell()?.create_dir(folder)?;
    }
    let file = File::create(path).map_err(system(format!("cannot write {}", path.display())))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another build ({})", path.display());
        file.lock()
            .map_err(system(format!("cannot lock {}", path.display())))?;
    }
    Ok(file)
}

/// Where a distribution's folder is or will be.
pub fn folder(cache: &Cache, name: &str) -> PathBuf {
    cache.distributions().join(name)
}

/// The folder of a distribution, if it is there. Folders enter the cache whole, by a rename.
pub fn find(cache: &Cache, name: &str) -> Option<PathBuf> {
    Some(folder(cache, name)).filter(|folder| folder.join(MANIFEST).is_file())
}

/// The archive of a distribution, in the cache or in a read-only one.
pub fn find_archive(cache: &Cache, name: &str) -> Option<PathBuf> {
    let file = format!("{name}.tar.zst");
    std::iter::once(cache.distributions())
        .chain(
            cache
                .read_only()
                .iter()
                .flat_map(|folder| [folder.clone(), folder.join("dist")]),
        )
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

/// Unpacks the archive of a distribution into the cache; returns the folder.
///
/// # Errors
/// [`Error::Damaged`] when the archive is not what was packed, [`Error::DiskFull`] when it does not fit.
pub fn restore(cache: &Cache, archive: &Path, name: &str) -> Result<PathBuf> {
    eprintln!("restoring {}", archive.display());
    let parent = cache.distributions();
    shell()?.create_dir(&parent)?;
    let partial = TemporaryFolder::new_in(&parent)
        .map_err(system(format!("cannot write in {}", parent.display())))?;
    unpack(archive, partial.path(), &parent)?;
    if let Some(reason) = differences(partial.path())?.first() {
        return Err(Error::Damaged {
            archive: archive.to_owned(),
            reason: reason.clone(),
        });
    }
    let folder = folder(cache, name);
    match fs::rename(partial.path(), &folder) {
        Ok(()) => drop(partial.keep()),
        // Another process was as fast.
        Err(_) if folder.join(MANIFEST).is_file() => {}
        Err(error) => return Err(system(format!("cannot write {}", folder.display()))(error)),
    }
    Ok(folder)
}

fn unpack(archive: &Path, folder: &Path, cache: &Path) -> Result<()> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => unpacking(String::new(), cache)(error),
        _ => Error::Damaged {
            archive: archive.to_owned(),
            reason: root_cause(&error),
        },
    };
    let file = File::open(archive).map_err(system(format!("cannot read {}", archive.display())))?;
    let size = file.metadata()?.len();
    let mut progress = Progress::new("restore");
    let position = Position {
        file,
        bytes: Rc::default(),
    };
    let bytes = Rc::clone(&position.bytes);
    let mut packed = tar::Archive::new(zstd::Decoder::new(position).map_err(unreadable)?);
    for entry in packed.entries().map_err(unreadable)? {
        entry
            .and_then(|mut entry| entry.unpack_in(folder))
            .map_err(unreadable)?;
        progress.update(bytes.get(), size);
    }
    if !folder.join(MANIFEST).is_file() {
        return Err(Error::Damaged {
            archive: archive.to_owned(),
            reason: "it holds no manifest of a distribution".to_owned(),
        });
    }
    progress.finish();
    Ok(())
}

/// The innermost of an error's causes: the outer ones name the file that was being unpacked.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A file that counts what was read of it.
struct Position {
    file: File,
    bytes: Rc<Cell<u64>>,
}

impl Read for Position {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes.set(self.bytes.get() + count as u64);
        Ok(count)
    }
}

/// What the cache holds: sources, build trees, distributions, the compiler cache.
///
/// # Errors
/// When a folder cannot be read.
pub fn list(cache: &Cache) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let trees = Package::ALL.map(Package::trees);
    for part in ["source", "dist", "ccache", "programs", "answers", "logs"]
        .into_iter()
        .chain(trees)
    {
        let Ok(children) = fs::read_dir(cache.root().join(part)) else {
            continue;
        };
        if ["ccache", "programs", "answers"].contains(&part) {
            let path = cache.root().join(part);
            entries.push(Entry {
                size_bytes: size_of_tree(&path),
                path,
            });
            continue;
        }
        for child in children {
            let path = child?.path();
            entries.push(Entry {
                size_bytes: size_of_tree(&path),
                path,
            });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn size_of_tree(path: &Path) -> u64 {
    WalkDir::new(path)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}

fn distribution_folders(cache: &Cache) -> Result<Vec<PathBuf>> {
    let Ok(children) = fs::read_dir(cache.distributions()) else {
        return Ok(Vec::new());
    };
    let mut folders = Vec::new();
    for child in children {
        let path = child?.path();
        if path.join(MANIFEST).is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// What the distribution or SDK in `folder` says of itself.
///
/// # Errors
/// That it does not, or not so that it can be read.
pub fn manifest_of(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text =
        fs::read_to_string(&path).map_err(system(format!("cannot read {}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Build(format!("{}: {error}", path.display())))
}

/// Compares every archive of every distribution with its recorded hash; returns a line for each problem.
///
/// # Errors
/// When a manifest cannot be read.
pub fn verify(cache: &Cache) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in distribution_folders(cache)? {
        problems.extend(differences(&folder)?.into_iter().map(|problem| {
            format!(
                "{problem}; delete {} and run `cargo xtask llvm`",
                folder.display()
            )
        }));
    }
    Ok(problems)
}

/// The archives of a distribution that are not what its manifest says, a line for each.
fn differences(folder: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for archive in manifest_of(folder)?.archives {
        let path = folder.join(&archive.file);
        match file_hash(&path) {
            Ok(found) if found == archive.sha256 => {}
            Ok(_) => problems.push(format!(
                "{} has other bytes than the manifest says",
                path.display()
            )),
            Err(error) => problems.push(error.to_string()),
        }
    }
    Ok(problems)
}

/// Deletes what can be made again: build trees, logs, and all distributions but the newest of each
/// profile. Returns the number of bytes freed.
///
/// # Errors
/// When something cannot be deleted.
pub fn collect(cache: &Cache) -> Result<u64> {
    let mut doomed: Vec<PathBuf> = Package::ALL.map(|package| cache.build(package)).to_vec();
    doomed.push(cache.root().join("logs"));
    let mut folders = distribution_folders(cache)?;
    let age = |path: &PathBuf| {
        fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    folders.sort_by_key(|path| std::cmp::Reverse(age(path)));
    let mut kept = Vec::new();
    for folder in folders {
        let profile = manifest_of(&folder)?.profile;
        if kept.contains(&profile) {
            let mut archive = folder.clone().into_os_string();
            archive.push(".tar.zst");
            doomed.extend([folder, archive.into()]);
        } else {
            kept.push(profile);
        }
    }
    let mut freed = 0;
    for path in doomed.into_iter().filter(|path| path.exists()) {
        freed += size_of_tree(&path);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(system(format!("cannot delete {}", path.display())))?;
    }
    Ok(freed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::{ArchiveEntry, archive::compress};
    use std::time::{Duration, SystemTime};

    fn make(cache: &Cache, name: &str, profile: &str, contents: &[u8]) -> PathBuf {
        let folder = folder(cache, name);
        fs::create_dir_all(folder.join("share/bareflow")).unwrap();
        fs::create_dir_all(folder.join("lib")).unwrap();
        fs::write(folder.join("lib/libA.a"), contents).unwrap();
        let manifest = Manifest {
            version: "1".to_owned(),
            target: "t".to_owned(),
            profile: profile.to_owned(),
            key: "k".to_owned(),
            source: "s".to_owned(),
            toolchain: "c".to_owned(),
            flags: Vec::new(),
            archives: vec![ArchiveEntry {
                file: "lib/libA.a".to_owned(),
                sha256: file_hash(&folder.join("lib/libA.a")).unwrap(),
                size_bytes: contents.len() as u64,
                components: Vec::new(),
            }],
        };
        fs::write(
            folder.join(MANIFEST),
            serde_json::to_string(&manifest).unwrap(),
        )
        .unwrap();
        folder
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path(), &[]);
        let folder = make(&cache, "one", "full", b"archive");
        assert_eq!(verify(&cache).unwrap(), Vec::<String>::new());
        fs::write(folder.join("lib/libA.a"), b"brchive").unwrap();
        let problems = verify(&cache).unwrap();
        assert!(
            problems.len() == 1 && problems[0].contains("libA.a"),
            "{problems:?}"
        );
    }

    #[test]
    fn the_newest_distribution_of_each_profile_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path(), &[]);
        let old = make(&cache, "old", "full", b"1");
        let new = make(&cache, "new", "full", b"2");
        let other = make(&cache, "other", "jit", b"3");
        let past = SystemTime::now() - Duration::from_secs(1000);
        File::open(&old).unwrap().set_modified(past).unwrap();
        fs::create_dir_all(cache.build(Package::Llvm)).unwrap();
        fs::write(cache.build(Package::Llvm).join("x"), b"12345").unwrap();
        assert!(collect(&cache).unwrap() >= 5);
        assert!(
            !old.exists() && new.exists() && other.exists() && !cache.build(Package::Llvm).exists()
        );
    }

    #[test]
    fn a_distribution_is_restored_only_if_it_is_what_its_manifest_says() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let maker = Cache::at(other.path(), &[]);
        let made = make(&maker, "one", "full", b"archive");
        let archive = other.path().join("one.tar.zst");
        let cache = Cache::at(root.path(), &[]);
        compress(&made, &archive).unwrap();
        let restored = restore(&cache, &archive, "one").unwrap();
        assert_eq!(fs::read(restored.join("lib/libA.a")).unwrap(), b"archive");
        assert_eq!(find(&cache, "one"), Some(restored));

        fs::write(made.join("lib/libA.a"), b"brchive").unwrap();
        compress(&made, &archive).unwrap();
        assert_eq!(
            restore(&cache, &archive, "two").unwrap_err().exit_code(),
            103
        );
        let bytes = fs::read(&archive).unwrap();
        fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(
            restore(&cache, &archive, "two").unwrap_err().exit_code(),
            103
        );
        assert_eq!(find(&cache, "two"), None);
    }

    #[test]
    fn archives_are_found_in_read_only_caches() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = Cache::at(root.path(), &[shared.path()]);
        assert_eq!(find_archive(&cache, "x"), None);
        let path = shared.path().join("x.tar.zst");
        fs::write(&path, b"").unwrap();
        assert_eq!(find_archive(&cache, "x"), Some(path.clone()));
        // A damaged archive leaves nothing behind.
        assert_eq!(restore(&cache, &path, "x").unwrap_err().exit_code(), 103);
        assert_eq!(fs::read_dir(cache.distributions()).unwrap().count(), 0);
    }
}
