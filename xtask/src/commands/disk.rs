//! `cargo xtask disk`: files of programs, exchanged with the volume of an image or of a `--disk` file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use bareflow_volume::{Entry, Folder, Partition, Timestamp, Volume, VolumeError};
use clap::{Args, Subcommand};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use walkdir::WalkDir;

use bareflow_build::error as build;
use bareflow_image::disk::{FileDisk, ImageVolume};
use bareflow_image::error::{Error, Result, system};
use bareflow_image::outputs::OutputFile;

/// What programs write to, and what `put` writes to.
const FOLDER: &str = "data";
/// What is read and written at once.
const PART_SIZE_BYTES: usize = 1 << 20;
/// A file that is being put has this name until it is complete.
const INCOMPLETE: &str = "~put.tmp";

/// List and exchange files of the volume of an image, or of a disk of `run --hosted --disk`.
#[derive(Args, Debug)]
pub struct DiskArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List a folder, with all that is in it
    Ls {
        /// The image or disk
        image: PathBuf,
        /// The folder or file on it
        #[arg(default_value = "/")]
        path: String,
    },
    /// Copy a file or folder out
    Get {
        /// The image or disk
        image: PathBuf,
        /// The file or folder on it
        path: String,
        /// Where to put it; its own name in this folder if left out
        host: Option<PathBuf>,
        /// Replace files that are there
        #[arg(long)]
        force: bool,
    },
    /// Copy a file or folder in
    Put {
        /// The image or disk
        image: PathBuf,
        /// The file or folder
        host: PathBuf,
        /// Its path on the disk, below /data; /data and its own name if left out
        path: Option<String>,
        /// Replace files that are there
        #[arg(long)]
        force: bool,
    },
}

impl DiskArgs {
    /// Does it.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn run(self) -> Result<ExitCode> {
        match self.action {
            Action::Ls { image, path } => Disk::open(&image, Access::Read)?.list(&path)?,
            Action::Get {
                image,
                path,
                host,
                force,
            } => Disk::open(&image, Access::Read)?.get(&path, host, force)?,
            Action::Put {
                image,
                host,
                path,
                force,
            } => Disk::open(&image, Access::Write)?.put(&host, path, force)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// A disk with its volume, for this process alone.
struct Disk {
    path: PathBuf,
    file: File,
    volume: ImageVolume,
}

/// What is at a path on the volume.
enum Found {
    Folder(Folder),
    File(Folder, Entry),
}

/// Names on the volume, without the slashes.
fn parts(path: &str) -> Result<Vec<&str>> {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return Err(Error::usage(format!(
            "{path}: paths on the disk have no '..'"
        )));
    }
    Ok(parts)
}

impl Disk {
    fn open(path: &Path, access: Access) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(access == Access::Write)
            .open(path)
            .map_err(system(format!("cannot open {}", path.display())))?;
        lock(&file, path, access)?;
        let no_volume = |reason: VolumeError| Error::usage(format!("{}: {reason}", path.display()));
        let disk = file
            .try_clone()
            .and_then(FileDisk::new)
            .map_err(system(format!("cannot read {}", path.display())))?;
        let partition = Partition::find_fat16(disk).map_err(|error| no_volume(error.into()))?;
        let mut volume = Volume::mount(partition).map_err(no_volume)?;
        if access == Access::Write {
            volume.recover().map_err(no_volume)?;
        }
        Ok(Self {
            path: path.into(),
            file,
            volume,
        })
    }

    /// An error about a path on the disk.
    fn wrong(&self, path: &str, error: VolumeError) -> Error {
        let place = format!("{}:/{}", self.path.display(), path.trim_start_matches('/'));
        match error {
            VolumeError::Full { .. } => build::Error::DiskFull {
                folder: self.path.clone(),
                details: format!("{place}: {error}"),
            }
            .into(),
            _ => Error::usage(format!("{place}: {error}")),
        }
    }

    fn find(&mut self, path: &str) -> Result<Found> {
        let mut found = Found::Folder(self.volume.root());
        for name in parts(path)? {
            let Found::Folder(folder) = found else {
                return Err(self.wrong(path, VolumeError::NotAFolder));
            };
            let entry = self.volume.find(folder, name);
            let entry = entry.map_err(|error| self.wrong(path, error))?;
            found = match ImageVolume::folder_of(&entry) {
                Ok(inner) => Found::Folder(inner),
                Err(_) => Found::File(folder, entry),
            };
        }
        Ok(found)
    }

    fn entries(&mut self, path: &str, folder: Folder) -> Result<Vec<Entry>> {
        let entries = self.volume.list(folder);
        let mut entries = entries.map_err(|error| self.wrong(path, error))?;
        entries.sort_by(|first, second| first.name().cmp(second.name()));
        Ok(entries)
    }

    fn list(&mut self, path: &str) -> Result<()> {
        let mut lines = Vec::new();
        let name = format!("/{}", parts(path)?.join("/"));
        match self.find(path)? {
            Found::File(_, entry) => lines.push(line(&entry, &name)),
            Found::Folder(folder) => self.list_folder(&name, folder, &mut lines)?,
        }
        let text: String = lines.concat();
        io::stdout()
            .write_all(text.as_bytes())
            .map_err(system("cannot write the list"))
    }

    fn list_folder(&mut self, path: &str, folder: Folder, lines: &mut Vec<String>) -> Result<()> {
        for entry in self.entries(path, folder)? {
            let name = format!("{}/{}", path.trim_end_matches('/'), entry.name());
            if let Ok(inner) = ImageVolume::folder_of(&entry) {
                lines.push(line(&entry, &format!("{name}/")));
                self.list_folder(&name, inner, lines)?;
            } else {
                lines.push(line(&entry, &name));
            }
        }
        Ok(())
    }

    fn get(&mut self, path: &str, host: Option<PathBuf>, force: bool) -> Result<()> {
        let own_name = parts(path)?.last().copied().unwrap_or("disk").to_owned();
        let target = match host {
            Some(folder) if folder.is_dir() => folder.join(own_name),
            Some(target) => target,
            None => PathBuf::from(own_name),
        };
        let found = self.find(path)?;
        let mut copies = Vec::new();
        self.plan_get(path, found, target, &mut copies)?;
        // Nothing is written before it is known that everything may be.
        for (target, file) in &copies {
            let is_folder = file.is_none();
            match fs::symlink_metadata(target) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(system(format!("cannot write {}", target.display()))(error));
                }
                Ok(there) if is_folder && there.is_dir() => {}
                Ok(there) if !is_folder && there.is_file() && force => {}
                Ok(there) if !is_folder && there.is_file() => return Err(exists(target)),
                Ok(_) => {
                    return Err(Error::usage(format!(
                        "{} is there, and is not a {}",
                        target.display(),
                        if is_folder { "folder" } else { "file" }
                    )));
                }
            }
        }
        for (target, file) in copies {
            match file {
                None => fs::create_dir_all(&target)
                    .map_err(system(format!("cannot make {}", target.display())))?,
                Some((folder, entry)) => self.get_file(&target, folder, &entry)?,
            }
        }
        Ok(())
    }

    fn plan_get(
        &mut self,
        path: &str,
        found: Found,
        target: PathBuf,
        copies: &mut Vec<(PathBuf, Option<(Folder, Entry)>)>,
    ) -> Result<()> {
        match found {
            Found::File(folder, entry) => copies.push((target, Some((folder, entry)))),
            Found::Folder(folder) => {
                copies.push((target.clone(), None));
                for entry in self.entries(path, folder)? {
                    let target = target.join(entry.name());
                    let found = match ImageVolume::folder_of(&entry) {
                        Ok(inner) => Found::Folder(inner),
                        Err(_) => Found::File(folder, entry),
                    };
                    self.plan_get(path, found, target, copies)?;
                }
            }
        }
        Ok(())
    }

    fn get_file(&mut self, target: &Path, folder: Folder, entry: &Entry) -> Result<()> {
        let file = self.volume.open_file(folder, entry);
        let file = file.map_err(|error| self.wrong(entry.name(), error))?;
        let volume = &mut self.volume;
        OutputFile::new(target, "the file")?.write(|output| {
            let mut part = vec![0; PART_SIZE_BYTES.min(file.size_bytes() as usize)];
            let mut offset = 0;
            while offset < file.size_bytes() {
                let count = volume
                    .read_at(&file, offset, &mut part)
                    .map_err(io::Error::other)?;
                output.write_all(&part[..count])?;
                offset += count as u32;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn put(&mut self, host: &Path, path: Option<String>, force: bool) -> Result<()> {
        let own_name = host
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| Error::usage(format!("{} has no name", host.display())))?;
        let path = path.unwrap_or_else(|| format!("/{FOLDER}/{own_name}"));
        let mut names = parts(&path)?;
        if names.first() != Some(&FOLDER) {
            return Err(Error::usage(format!(
                "{path}: files are put below /{FOLDER}, which is the program's"
            )));
        }
        // A path that ends in a slash, and a folder that is there, get the file under its own name.
        let is_folder = path.ends_with('/') || matches!(self.find(&path), Ok(Found::Folder(_)));
        if is_folder && host.is_file() {
            names.push(own_name);
        }
        let copies = plan_put(host, &names.join("/"))?;
        let mut needed_bytes = 0;
        for (target, source) in &copies {
            match (self.find(target), source) {
                (Ok(Found::File(..)), Some(_)) if !force => {
                    return Err(exists(Path::new(&format!(
                        "{}:/{target}",
                        self.path.display()
                    ))));
                }
                (Ok(Found::File(..)), None) => {
                    return Err(self.wrong(target, VolumeError::NotAFolder));
                }
                (Ok(Found::Folder(_)), Some(_)) => {
                    return Err(self.wrong(target, VolumeError::NotAFile));
                }
                _ => {}
            }
            if let Some(source) = source {
                let size = source.metadata().map_err(unreadable(source))?.len();
                needed_bytes += self.volume.occupied_bytes(size);
            }
        }
        let free_bytes = self.volume.free_bytes();
        if needed_bytes > free_bytes {
            return Err(self.wrong(
                &names.join("/"),
                VolumeError::Full {
                    needed_bytes,
                    free_bytes,
                },
            ));
        }
        for (target, source) in copies {
            let (parent, name) = target.rsplit_once('/').unwrap_or(("", &target));
            let folder = self.make_folders(parent)?;
            match source {
                None => drop(self.make_folders(&target)?),
                Some(source) => self.put_file(&source, folder, name)?,
            }
        }
        self.file
            .sync_all()
            .map_err(system(format!("cannot write {}", self.path.display())))
    }

    fn make_folders(&mut self, path: &str) -> Result<Folder> {
        let mut folder = self.volume.root();
        for name in parts(path)? {
            let inner = match self.volume.find(folder, name) {
                Ok(entry) => ImageVolume::folder_of(&entry),
                Err(VolumeError::NotFound) => self.volume.make_folder(folder, name, now()),
                Err(error) => Err(error),
            };
            folder = inner.map_err(|error| self.wrong(path, error))?;
        }
        Ok(folder)
    }

    /// The file is there under its name when it is complete; what had the name is there until then.
    fn put_file(&mut self, source: &Path, folder: Folder, name: &str) -> Result<()> {
        let mut input = File::open(source).map_err(unreadable(source))?;
        if self.volume.find(folder, INCOMPLETE).is_ok() {
            self.volume
                .delete(folder, INCOMPLETE)
                .map_err(|error| self.wrong(INCOMPLETE, error))?;
        }
        let written = self.write_file(&mut input, source, folder, name);
        if written.is_err() && self.volume.find(folder, INCOMPLETE).is_ok() {
            // The first error says what is wrong.
            let _ = self.volume.delete(folder, INCOMPLETE);
        }
        written
    }

    fn write_file(
        &mut self,
        input: &mut File,
        source: &Path,
        folder: Folder,
        name: &str,
    ) -> Result<()> {
        let modified = input
            .metadata()
            .and_then(|metadata| metadata.modified())
            .map_or_else(|_| now(), timestamp);
        let volume = &mut self.volume;
        let mut copy = || -> std::result::Result<io::Result<()>, VolumeError> {
            let mut file = volume.create_open(folder, INCOMPLETE, modified)?;
            let mut part = vec![0; PART_SIZE_BYTES];
            loop {
                let count = match io::Read::read(input, &mut part) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) => return Ok(Err(error)),
                };
                let offset = file.size_bytes();
                if let Err(error) = volume.write_at(&mut file, offset, &part[..count], modified) {
                    volume.unlink(&mut file)?;
                    volume.release(file)?;
                    return Err(error);
                }
            }
            let mut replaced = match volume.find(folder, name) {
                Ok(entry) => Some(volume.open_file(folder, &entry)?),
                Err(VolumeError::NotFound) => None,
                Err(error) => return Err(error),
            };
            volume.rename(&mut file, folder, name, replaced.as_mut())?;
            if let Some(replaced) = replaced {
                volume.release(replaced)?;
            }
            volume.release(file)?;
            Ok(Ok(()))
        };
        match copy() {
            Ok(read) => read.map_err(unreadable(source)),
            Err(error) => Err(self.wrong(name, error)),
        }
    }
}

/// The folders and files below `host`, by their paths on the disk, folders first.
fn plan_put(host: &Path, path: &str) -> Result<Vec<(String, Option<PathBuf>)>> {
    let mut copies = Vec::new();
    for entry in WalkDir::new(host).sort_by_file_name() {
        let entry = entry
            .map_err(|error| system(format!("cannot read {}", host.display()))(error.into()))?;
        let below = entry.path().strip_prefix(host).unwrap_or(Path::new(""));
        let below = below.to_str().ok_or_else(|| {
            Error::usage(format!("{}: its name is not UTF-8", entry.path().display()))
        })?;
        let target = if below.is_empty() {
            path.to_owned()
        } else {
            format!("{path}/{below}")
        };
        // What is named may be a link; what is found below is not followed.
        let kind = if entry.depth() == 0 {
            fs::metadata(host).map_err(unreadable(host))?.file_type()
        } else {
            entry.file_type()
        };
        if kind.is_dir() {
            copies.push((target, None));
        } else if kind.is_file() {
            copies.push((target, Some(entry.into_path())));
        } else {
            return Err(Error::usage(format!(
                "{} is neither a file nor a folder",
                entry.path().display()
            )));
        }
    }
    Ok(copies)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    system(format!("cannot read {}", path.display()))
}

fn exists(path: &Path) -> Error {
    Error::usage(format!(
        "{} is there already; --force replaces it",
        path.display()
    ))
}

fn timestamp(time: std::time::SystemTime) -> Timestamp {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn now() -> Timestamp {
    timestamp(std::time::SystemTime::now())
}

/// Size, time of the last change (UTC) and name.
fn line(entry: &Entry, name: &str) -> String {
    let (year, month, day) = entry.modified().date();
    let (hour, minute, _) = entry.modified().time();
    format!(
        "{:>10} {year}-{month:02}-{day:02} {hour:02}:{minute:02} {name}\n",
        entry.size_bytes()
    )
}

/// Keeps others away: the hosted kernel locks its disk in one way, QEMU in another.
fn lock(file: &File, path: &Path, access: Access) -> Result<()> {
    let in_use = || Error::usage(format!("{} is in use by another process", path.display()));
    let is_free = match access {
        Access::Read => file.try_lock_shared(),
        Access::Write => file.try_lock(),
    };
    is_free.map_err(|error| match error {
        fs::TryLockError::WouldBlock => in_use(),
        fs::TryLockError::Error(error) => system(format!("cannot lock {}", path.display()))(error),
    })?;
    let lock = libc::flock {
        l_type: match access {
            Access::Read => libc::F_RDLCK as libc::c_short,
            Access::Write => libc::F_WRLCK as libc::c_short,
        },
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        Err(Errno::EAGAIN | Errno::EACCES) => Err(in_use()),
        Err(error) => Err(system(format!("cannot lock {}", path.display()))(
            error.into(),
        )),
        Ok(_) => Ok(()),
    }
}
