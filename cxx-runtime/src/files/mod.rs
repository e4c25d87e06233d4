//! Files: descriptors over a file system in memory, which starts with the files that came with the program.
//!
//! 1. Everything can be written, and is gone when the program ends; but for `/data`, where the platform has a storage.
//! 2. There is one user, who may do anything: permissions are kept, and not checked.
//! 3. The tree is pure and safe; here are the POSIX functions around it.

mod descriptors;
mod input;
mod paths;
mod pipes;
mod status;
mod tree;

use core::cell::UnsafeCell;
use core::ffi::c_int;

use alloc::vec::Vec;

use crate::errno::{self, fail};
use crate::platform::File;
use crate::runtime::platform;

use tree::{Content, Device, LastLink, NodeId, Place, ROOT, Time, Tree};

pub(crate) use descriptors::{Mapping, close, dup2, fcntl, isatty, lseek, map, open, read, write};
pub(crate) use paths::unlink;
pub(crate) use pipes::{PipeEnd, pipe_end};
pub(crate) use status::access;

const AT_FDCWD: c_int = -100;
/// Descriptors that can be open at once.
pub(crate) const DESCRIPTOR_LIMIT: usize = 1024;
const DEFAULT_MASK: u32 = 0o022;
/// The times of what was there before the program.
const EPOCH: Time = [0; 2];

/// What descriptors refer to; several may share one, and its offset.
#[derive(Debug)]
struct Description {
    node: NodeId,
    offset: usize,
    flags: c_int,
    references: usize,
}

#[derive(Clone, Copy, Debug)]
struct Descriptor {
    description: usize,
    closes_on_exec: bool,
}

/// Everything that the functions share.
struct FileSystem {
    tree: Tree,
    descriptions: Vec<Option<Description>>,
    descriptors: Vec<Option<Descriptor>>,
    mask: u32,
    /// Whether the platform was asked for its storage.
    has_storage: bool,
    /// Where the platform's table was that this was made from.
    origin: *const [File],
}

impl FileSystem {
    fn new(files: &'static [File]) -> Self {
        let mut system = Self {
            // Whoever only writes to the console needs no clock.
            tree: Tree::new(files, EPOCH),
            descriptions: Vec::new(),
            descriptors: Vec::new(),
            mask: DEFAULT_MASK,
            has_storage: false,
            origin: files,
        };
        for (path, flags) in [
            ("/dev/stdin", descriptors::O_RDONLY),
            ("/dev/stdout", descriptors::O_WRONLY),
            ("/dev/stderr", descriptors::O_WRONLY),
        ] {
            let node = system
                .tree
                .find(ROOT, path.as_bytes(), LastLink::Followed)
                .expect("the standard streams are always there");
            system
                .open_node(node, flags)
                .expect("the first descriptors are free");
        }
        system
    }

    /// The directory that relative paths start in: of a descriptor, or the working directory.
    fn start(&self, directory: c_int, path: &[u8]) -> Result<NodeId, c_int> {
        if directory == AT_FDCWD || path.starts_with(b"/") {
            return Ok(self.tree.working);
        }
        let node = self.description(directory)?.node;
        self.tree.entries(node)?;
        Ok(node)
    }

    fn locate(
        &mut self,
        directory: c_int,
        path: &[u8],
        last_link: LastLink,
    ) -> Result<Place, c_int> {
        // Programs that name no file need no volume.
        if !core::mem::replace(&mut self.has_storage, true)
            && let Some(storage) = platform().storage()
        {
            self.tree.attach_storage(storage, now());
        }
        self.tree
            .locate(self.start(directory, path)?, path, last_link)
    }

    fn find(
        &mut self,
        directory: c_int,
        path: &[u8],
        last_link: LastLink,
    ) -> Result<NodeId, c_int> {
        let place = self.locate(directory, path, last_link)?;
        place.node.ok_or(errno::ENOENT)
    }
}

struct Shared(UnsafeCell<Option<FileSystem>>);

// SAFETY: there is one thread.
unsafe impl Sync for Shared {}

static SYSTEM: Shared = Shared(UnsafeCell::new(None));

/// Calls `action` with the file system, which is made when it is first asked for, and anew for another program's files.
/// Nothing is locked: a program may fault while its memory is read or written, and what it wrote before must still
/// come out.
fn with<T>(action: impl FnOnce(&mut FileSystem) -> T) -> T {
    // SAFETY: there is one thread, and no action calls this function again.
    let system = unsafe { &mut *SYSTEM.0.get() };
    let files = platform().files();
    match system {
        Some(system) if core::ptr::eq(system.origin, files) => action(system),
        _ => action(system.insert(FileSystem::new(files))),
    }
}

/// Has everything on the platform's storage that belongs there: to be called when a program has ended.
pub fn commit_files() {
    crate::memory::save_shared();
    with(|system| system.tree.commit_all());
}

fn now() -> Time {
    let ns = platform().realtime_ns();
    [
        (ns / 1_000_000_000).cast_signed(),
        (ns % 1_000_000_000).cast_signed(),
    ]
}

/// The result of a function that returns 0 or -1.
fn done(result: Result<(), c_int>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(number) => fail(number),
    }
}

/// The names in an open directory, with the type that `struct dirent` has for it and the inode.
pub(crate) fn list_open(descriptor: c_int) -> Result<Vec<(Vec<u8>, u8, u64)>, c_int> {
    with(|system| {
        let node = system.description(descriptor)?.node;
        names_in(&system.tree, node)
    })
}

fn names_in(tree: &Tree, directory: NodeId) -> Result<Vec<(Vec<u8>, u8, u64)>, c_int> {
    let entries = tree.entries(directory)?.iter();
    let named = entries.map(|(name, node)| (name.clone(), *node));
    Ok([
        (b".".to_vec(), directory),
        (b"..".to_vec(), tree.parent(directory)),
    ]
    .into_iter()
    .chain(named)
    .map(|(name, node)| {
        let kind = match tree.node(node).content {
            Content::Directory { .. } => 4,
            Content::Given(_) | Content::Remote(_) | Content::Written(_) | Content::Stored(..) => 8,
            Content::Link(_) => 10,
            Content::Device(_) => 2,
            Content::Pipe(_) => 1,
        };
        (name, kind, status::inode(node))
    })
    .collect())
}
