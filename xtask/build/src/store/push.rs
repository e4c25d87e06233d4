//! Bringing packages to other caches.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::check::{check_archive, children};
use crate::error::{Result, system};
use crate::packing::sides;
use crate::paths::Cache;
use crate::remote::{Address, Remote};
use crate::shell::shell;

/// What became of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It, or something beside it, has been brought there.
    New(PathBuf),
    /// It was there already.
    Same(PathBuf),
}

/// Brings every archive of the cache, with all that lies beside it, to another cache. The archive itself goes last: who
/// finds it there finds the rest too.
///
/// # Errors
/// When an archive is damaged, or the other cache cannot be written.
pub fn push(cache: &Cache, to: &Address) -> Result<Vec<Pushed>> {
    let destination = Destination::new(to, cache)?;
    let mut pushed = Vec::new();
    for archive in children(&cache.distributions())? {
        if !archive.to_string_lossy().ends_with(sides::ARCHIVE) {
            continue;
        }
        check_archive(&archive, None)?;
        if !sides::beside(&archive, sides::SHA256).is_file() {
            sides::write_sha256(&archive)?;
        }
        let (mut is_new, mut has_hash) = (false, false);
        for addition in sides::ALL {
            let side = sides::beside(&archive, addition);
            if !side.is_file() {
                continue;
            }
            if destination.has_text(&side)? {
                has_hash |= *addition == sides::SHA256;
            } else {
                destination.write(&side)?;
                is_new = true;
            }
        }
        let size_bytes = fs::metadata(&archive)?.len();
        if !has_hash || destination.size_bytes(&archive)? != Some(size_bytes) {
            destination.write(&archive)?;
            is_new = true;
        }
        pushed.push(if is_new {
            Pushed::New(archive)
        } else {
            Pushed::Same(archive)
        });
    }
    Ok(pushed)
}

/// Another cache, to be written.
enum Destination<'a> {
    Folder(&'a Path),
    Server(&'a Address, Box<Remote>),
}

impl<'a> Destination<'a> {
    fn new(address: &'a Address, cache: &Cache) -> Result<Self> {
        match address {
            Address::Folder(folder) => {
                shell()?.create_dir(folder)?;
                Ok(Self::Folder(folder))
            }
            server => Ok(Self::Server(
                server,
                Box::new(
                    Remote::new(server, cache.patience()).map_err(|failure| failure.of(server))?,
                ),
            )),
        }
    }

    /// Whether a small file is there and the same.
    fn has_text(&self, file: &Path) -> Result<bool> {
        let found = match self {
            Self::Folder(folder) => match fs::read(folder.join(name(file))) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                other => Some(other?),
            },
            Self::Server(address, remote) => remote
                .small(&name(file))
                .map_err(|failure| failure.of(address))?,
        };
        Ok(found == Some(fs::read(file)?))
    }

    /// The size of a file that is there.
    fn size_bytes(&self, file: &Path) -> Result<Option<u64>> {
        match self {
            Self::Folder(folder) => Ok(fs::metadata(folder.join(name(file)))
                .ok()
                .map(|metadata| metadata.len())),
            Self::Server(address, remote) => remote
                .size_bytes(&name(file))
                .map_err(|failure| failure.of(address)),
        }
    }

    fn write(&self, file: &Path) -> Result<()> {
        let name = name(file);
        match self {
            Self::Folder(folder) => {
                let failed = || format!("cannot write {}", folder.join(&name).display());
                let partial = tempfile::NamedTempFile::new_in(folder).map_err(system(failed()))?;
                fs::copy(file, partial.path()).map_err(system(failed()))?;
                partial
                    .persist(folder.join(&name))
                    .map_err(|error| system(failed())(error.error))?;
                Ok(())
            }
            Self::Server(address, remote) => remote
                .put(&name, file)
                .map_err(|failure| failure.of(address)),
        }
    }
}

fn name(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
