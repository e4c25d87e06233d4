//! A package as one compressed archive.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;

use sha2::{Digest, Sha256};
use tar::EntryType;
use walkdir::WalkDir;

use super::listing::{Found, Listing, is_inside};
use super::manifest::{MANIFEST, Manifest, Mode};
use crate::error::{Error, Result, is_full, system, unpacking};
use crate::llvm::inputs::hexadecimal;
use crate::shell::Progress;
use crate::temporary::TemporaryFolder;

/// A good ratio at a speed that two processors reach.
const COMPRESSION_LEVEL: i32 = 9;

/// Writes a tar archive whose bytes depend on the files alone: sorted, without times or owners.
///
/// # Errors
/// When a file cannot be read or written.
pub fn compress(root: &Path, output: &Path) -> Result<()> {
    let failed = || format!("cannot write {}", output.display());
    let folder = output.parent().unwrap_or(Path::new("."));
    let partial = TemporaryFolder::new_in(folder).map_err(system(failed()))?;
    let packed = partial.path().join("packed");
    let file = File::create(&packed).map_err(system(failed()))?;
    let mut encoder = zstd::Encoder::new(file, COMPRESSION_LEVEL).map_err(system(failed()))?;
    encoder.include_checksum(true).map_err(system(failed()))?;
    encoder.multithread(2).map_err(system(failed()))?;
    let mut archive = tar::Builder::new(encoder);
    let mut progress = Progress::new("compress");
    let files: Vec<_> = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .collect();
    for (index, entry) in files.iter().enumerate() {
        let mut file = File::open(entry.path()).map_err(system(failed()))?;
        let metadata = file.metadata().map_err(system(failed()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(metadata.len());
        header.set_mode(Mode::of(metadata.permissions().mode()).bits());
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let inner = entry.path().strip_prefix(root).unwrap_or(entry.path());
        archive
            .append_data(&mut header, inner, &mut file)
            .map_err(system(failed()))?;
        progress.update(index as u64 + 1, files.len() as u64);
    }
    archive
        .into_inner()
        .and_then(zstd::Encoder::finish)
        .map_err(system(failed()))?;
    fs::set_permissions(&packed, fs::Permissions::from_mode(0o644))?;
    fs::rename(&packed, output).map_err(system(failed()))?;
    progress.finish();
    Ok(())
}

/// What an archive was found to hold.
#[derive(Clone, Debug)]
pub struct Packed {
    /// What it says of itself, and nothing else is in it.
    pub manifest: Manifest,
    /// SHA-256 of the archive, in hexadecimal.
    pub sha256: String,
}

/// Reads an archive to its last byte and compares what it holds with its manifest; unpacks it into `folder`, if there is
/// one, which then holds just that.
///
/// # Errors
/// [`Error::Damaged`] when it is not what was packed, [`Error::DiskFull`] when it does not fit.
pub fn read(archive: &Path, folder: Option<&Path>) -> Result<Packed> {
    let damaged = |reason: String| Error::Damaged {
        archive: archive.to_owned(),
        reason,
    };
    let unreadable = |error: io::Error| damaged(root_cause(&error));
    let file = File::open(archive).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut progress = Progress::new(if folder.is_some() { "restore" } else { "read" });
    let state = Rc::new(State::default());
    let source = Watched {
        file,
        state: Rc::clone(&state),
    };
    // One frame: what came behind it would be read by nobody.
    let decoder = zstd::Decoder::new(source)
        .map_err(unreadable)?
        .single_frame();
    let mut packed = tar::Archive::new(decoder);
    let mut listing = Listing::default();
    let mut manifest = None;
    for entry in packed.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = member_path(&entry).map_err(damaged)?;
        let mode = entry.header().mode().map_err(unreadable)?;
        let size_bytes = entry.size();
        let sink = match folder {
            Some(folder) => Some(create(&folder.join(&path), archive, folder)?),
            None => None,
        };
        let is_manifest = path == MANIFEST;
        let mut member = Member {
            file: sink,
            text: is_manifest.then(Vec::new),
            hash: Sha256::new(),
        };
        let copied = member
            .take_all(&mut entry)
            .map_err(|failure| match failure {
                CopyFailure::Read(error) => unreadable(error),
                CopyFailure::Write(error) => cannot_unpack(archive, folder, error),
            })?;
        if copied != size_bytes {
            return Err(damaged(format!("it ends within {path}")));
        }
        if let Some(file) = &member.file {
            file.set_permissions(fs::Permissions::from_mode(mode & 0o777))
                .map_err(|error| cannot_unpack(archive, folder, error))?;
        }
        let was_there = if is_manifest {
            manifest.replace(member.text.unwrap_or_default()).is_some()
        } else {
            let found = Found {
                size_bytes,
                mode: mode & 0o7777,
                sha256: Some(hexadecimal(&member.hash.finalize())),
            };
            listing.files.insert(path.clone(), found).is_some()
        };
        if was_there {
            return Err(damaged(format!("it holds {path} twice")));
        }
        progress.update(state.bytes.get(), size);
    }
    read_to_end(packed.into_inner(), archive)?;
    progress.finish();

    let text = manifest
        .and_then(|text| String::from_utf8(text).ok())
        .ok_or_else(|| damaged("it holds no manifest of a package".to_owned()))?;
    let manifest = Manifest::parse(&text).map_err(damaged)?;
    if let Some(difference) = manifest.differences(&listing).into_iter().next() {
        return Err(damaged(difference));
    }
    Ok(Packed {
        manifest,
        sha256: hexadecimal(&state.hash.borrow_mut().finalize_reset()),
    })
}

/// Reads what is left behind the last member: nothing but padding, and the checksum of the whole.
fn read_to_end(mut decoder: zstd::Decoder<'_, BufReader<Watched>>, archive: &Path) -> Result<()> {
    let damaged = |reason: String| Error::Damaged {
        archive: archive.to_owned(),
        reason,
    };
    let unreadable = |error: io::Error| damaged(root_cause(&error));
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match decoder.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            count if buffer[..count].iter().all(|byte| *byte == 0) => {}
            _ => return Err(damaged("it holds more after its end".to_owned())),
        }
    }
    let mut rest = decoder.finish();
    if !rest.fill_buf().map_err(unreadable)?.is_empty() {
        return Err(damaged("bytes follow its end".to_owned()));
    }
    Ok(())
}

/// The path of a member, if it is a file that stays below the folder.
fn member_path(entry: &tar::Entry<'_, impl Read>) -> std::result::Result<String, String> {
    let bytes = entry.path_bytes();
    let path = String::from_utf8_lossy(&bytes);
    if entry.header().entry_type() != EntryType::Regular {
        return Err(format!("{path:?} in it is no file"));
    }
    if !is_inside(&path) {
        return Err(format!("{path:?} in it would leave the folder"));
    }
    Ok(path.into_owned())
}

/// A new file: nothing is written over, or through a link.
fn create(path: &Path, archive: &Path, folder: &Path) -> Result<File> {
    let made = match path.parent() {
        Some(parent) => fs::create_dir_all(parent),
        None => Ok(()),
    };
    made.and_then(|()| File::create_new(path))
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Error::Damaged {
                archive: archive.to_owned(),
                reason: format!("it holds {} twice", path.display()),
            },
            _ => cannot_unpack(archive, Some(folder), error),
        })
}

fn cannot_unpack(archive: &Path, folder: Option<&Path>, error: io::Error) -> Error {
    let what = format!("cannot unpack {}", archive.display());
    if is_full(&error) {
        let folder = folder.and_then(Path::parent).unwrap_or(Path::new("."));
        return unpacking(what, folder)(io::ErrorKind::StorageFull.into());
    }
    system(what)(error)
}

/// The innermost of an error's causes: the outer ones name the file that was being unpacked.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

const BUFFER_BYTES: usize = 64 << 10;

/// Where the bytes of a member go.
struct Member {
    file: Option<File>,
    text: Option<Vec<u8>>,
    hash: Sha256,
}

/// Which side of a copy failed.
enum CopyFailure {
    Read(io::Error),
    Write(io::Error),
}

impl Member {
    fn take_all(&mut self, from: &mut impl Read) -> std::result::Result<u64, CopyFailure> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut copied = 0;
        loop {
            let count = from.read(&mut buffer).map_err(CopyFailure::Read)?;
            if count == 0 {
                return Ok(copied);
            }
            let bytes = &buffer[..count];
            self.hash.update(bytes);
            if let Some(text) = &mut self.text {
                text.extend_from_slice(bytes);
            }
            if let Some(file) = &mut self.file {
                file.write_all(bytes).map_err(CopyFailure::Write)?;
            }
            copied += count as u64;
        }
    }
}

/// What was read of an archive so far.
#[derive(Default)]
struct State {
    bytes: Cell<u64>,
    hash: RefCell<Sha256>,
}

/// An archive's file, of which everything that is read is counted and hashed.
struct Watched {
    file: File,
    state: Rc<State>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let State { bytes, hash } = &*self.state;
        bytes.set(bytes.get() + count as u64);
        hash.borrow_mut().update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_make_equal_archives() {
        let folder = tempfile::tempdir().unwrap();
        let mut archives = Vec::new();
        for name in ["a", "b"] {
            let root = folder.path().join(name);
            fs::create_dir_all(root.join("lib")).unwrap();
            for file in ["lib/z.a", "lib/a.a"] {
                fs::write(root.join(file), file).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let output = folder.path().join(format!("{name}.tar.zst"));
            compress(&root, &output).unwrap();
            archives.push(fs::read(output).unwrap());
        }
        assert_eq!(archives[0], archives[1]);
    }
}
