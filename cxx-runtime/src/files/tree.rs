//! The file system of a program: a tree in memory, over the files that came with it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::ffi::c_int;

use crate::errno;
use crate::platform::{File, FileContents, RemoteFile, Storage, StoredKind};

/// A file, a directory or the like, by its place in the table of nodes.
pub(crate) type NodeId = usize;

/// The directory that absolute paths start in.
pub(super) const ROOT: NodeId = 0;
const NAME_LIMIT_BYTES: usize = 255;
/// Bytes of a path, its end included.
pub(super) const PATH_LIMIT_BYTES: usize = 4096;
const LINK_LIMIT: u32 = 40;

/// What reading and writing a special file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Device {
    Null,
    Zero,
    Full,
    Random,
    /// A standard stream of the platform, by its descriptor.
    Console(c_int),
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Content {
    Directory {
        entries: BTreeMap<Vec<u8>, NodeId>,
        parent: NodeId,
        /// Its number, if it is in the platform's storage.
        stored: Option<u32>,
    },
    /// A file in the platform's storage, by its number, and its size in bytes.
    Stored(u32, usize),
    /// Bytes that came with the program: they are copied when somebody writes.
    Given(&'static [u8]),
    /// The same where they are read when somebody asks.
    Remote(&'static dyn RemoteFile),
    Written(Vec<u8>),
    Link(Vec<u8>),
    Device(Device),
    /// What was written to a pipe and not read yet.
    Pipe(VecDeque<u8>),
}

/// A point in time as `struct timespec` has it: seconds and nanoseconds since 1970.
pub(super) type Time = [i64; 2];

#[derive(Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) permissions: u32,
    /// Names in directories.
    pub(super) links: u64,
    /// Descriptions and mappings that refer to it.
    pub(super) uses: u64,
    /// Of the last access, modification and change of status.
    pub(super) times: [Time; 3],
}

impl Node {
    /// Its bytes, if it is a regular file in memory.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Given(bytes) => Some(bytes),
            Content::Written(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// How long it is, if it is a regular file.
    pub(super) fn size(&self) -> Option<usize> {
        match self.content {
            Content::Stored(_, size) => Some(size),
            Content::Remote(file) => Some(file.size_bytes()),
            _ => self.bytes().map(<[u8]>::len),
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory { .. })
    }

    fn touch(&mut self, now: Time) {
        self.times[1] = now;
        self.times[2] = now;
    }
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) parent: NodeId,
    /// Empty when the path ends in `.`, `..` or `/`.
    pub(super) name: Vec<u8>,
    pub(super) node: Option<NodeId>,
    /// The path ends in a slash.
    pub(super) wants_directory: bool,
}

/// Whether a link that a path ends in is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastLink {
    Followed,
    Kept,
}

/// All nodes, and the program's place among them.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Option<Node>>,
    pub(super) working: NodeId,
    storage: Option<Data>,
}

/// The platform's storage.
#[derive(Clone, Copy)]
struct Data(&'static dyn Storage);

impl core::fmt::Debug for Data {
    fn fmt(&self, formatter: &mut core::fmt::Formatter) -> core::fmt::Result {
        formatter.write_str("Data")
    }
}

type Result<T> = core::result::Result<T, c_int>;

/// The parts of a path, the last one first.
fn parts(path: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    path.rsplit(|byte| *byte == b'/')
        .filter(|part| !part.is_empty())
        .map(<[u8]>::to_vec)
}

impl Tree {
    /// With `/tmp`, `/dev` and these files.
    pub(super) fn new(files: &[File], now: Time) -> Self {
        let mut tree = Self {
            nodes: Vec::new(),
            working: ROOT,
            storage: None,
        };
        let root = Content::Directory {
            entries: BTreeMap::new(),
            parent: ROOT,
            stored: None,
        };
        tree.insert(root, 0o755, now);
        tree.node_mut(ROOT).links = 1;
        for (name, permissions) in [("tmp", 0o1777), ("dev", 0o755)] {
            tree.add_directory(ROOT, name.as_bytes(), permissions, now);
        }
        let dev = tree.child(ROOT, b"dev").expect("it was just made");
        for (name, device) in [
            ("null", Device::Null),
            ("zero", Device::Zero),
            ("full", Device::Full),
            ("random", Device::Random),
            ("urandom", Device::Random),
            ("stdin", Device::Console(0)),
            ("stdout", Device::Console(1)),
            ("stderr", Device::Console(2)),
            ("tty", Device::Console(1)),
        ] {
            let node = tree.insert(Content::Device(device), 0o666, now);
            tree.attach(dev, name.as_bytes().to_vec(), node);
        }
        for file in files {
            tree.add_given(file, now);
        }
        tree
    }

    /// Shows the platform's storage as `/data`, under the files that came with the program.
    pub(super) fn attach_storage(&mut self, storage: &'static dyn Storage, now: Time) {
        const NAME: &[u8] = b"data";
        if self.child(ROOT, NAME).is_none() {
            self.add_directory(ROOT, NAME, 0o755, now);
        }
        let data = self.child(ROOT, NAME).expect("it was just made");
        let Content::Directory { stored, .. } = &mut self.node_mut(data).content else {
            return;
        };
        *stored = Some(0);
        self.storage = Some(Data(storage));
        let mut waiting = alloc::vec![(data, 0)];
        while let Some((directory, folder)) = waiting.pop() {
            for entry in storage.list(folder).unwrap_or_default() {
                let name = entry.name.into_bytes();
                if self.child(directory, &name).is_some() {
                    continue;
                }
                let (content, permissions) = match entry.kind {
                    StoredKind::File(file, size) => (Content::Stored(file, size), 0o644),
                    StoredKind::Folder(folder) => {
                        let content = Content::Directory {
                            entries: BTreeMap::new(),
                            parent: directory,
                            stored: Some(folder),
                        };
                        (content, 0o755)
                    }
                };
                let node = self.insert(content, permissions, [entry.modified_s, 0]);
                self.attach(directory, name, node);
                if let StoredKind::Folder(folder) = entry.kind {
                    waiting.push((node, folder));
                }
            }
        }
    }

    fn storage(&self) -> Result<&'static dyn Storage> {
        self.storage.map(|data| data.0).ok_or(errno::EIO)
    }

    /// The number of a directory in the storage.
    pub(super) fn stored_folder(&self, id: NodeId) -> Option<u32> {
        match self.node(id).content {
            Content::Directory { stored, .. } => stored,
            _ => None,
        }
    }

    /// The number of a file in the storage.
    pub(super) fn stored_file(&self, id: NodeId) -> Option<u32> {
        match self.node(id).content {
            Content::Stored(file, _) => Some(file),
            _ => None,
        }
    }

    /// Has all of a file where no power cut reaches it, as far as it can be there.
    pub(super) fn commit(&self, id: NodeId) -> Result<()> {
        match self.stored_file(id) {
            Some(file) => self.storage()?.commit(file),
            None => Ok(()),
        }
    }

    /// Has all files there.
    pub(super) fn commit_all(&self) {
        if let Some(Data(storage)) = self.storage {
            storage.commit_all();
        }
    }

    /// Lets the storage know when a file was written.
    pub(super) fn store_times(&self, id: NodeId) {
        if let (Some(file), Some(Data(storage))) = (self.stored_file(id), self.storage) {
            storage.set_modified(file, self.node(id).times[1][0]);
        }
    }

    /// How many bytes the storage has free, for what lies in it.
    pub(super) fn free_bytes(&self, id: NodeId) -> Option<u64> {
        let Data(storage) = self.storage?;
        let is_stored = self.stored_file(id).is_some() || self.stored_folder(id).is_some();
        is_stored.then(|| storage.free_bytes())
    }

    fn add_directory(&mut self, parent: NodeId, name: &[u8], permissions: u32, now: Time) {
        let content = Content::Directory {
            entries: BTreeMap::new(),
            parent,
            stored: None,
        };
        let node = self.insert(content, permissions, now);
        self.attach(parent, name.to_vec(), node);
    }

    fn add_given(&mut self, file: &File, now: Time) {
        let mut path: Vec<Vec<u8>> = parts(file.path.as_bytes()).collect();
        let Some(name) = (!path.is_empty()).then(|| path.remove(0)) else {
            return;
        };
        let mut directory = ROOT;
        while let Some(part) = path.pop() {
            if self.child(directory, &part).is_none() {
                self.add_directory(directory, &part, 0o755, now);
            }
            directory = self.child(directory, &part).expect("it was just made");
            // A file has the name that a directory was to have: the first one counts.
            if !self.node(directory).is_directory() {
                return;
            }
        }
        if self.child(directory, &name).is_none() {
            let content = match file.contents {
                FileContents::Memory(bytes) => Content::Given(bytes),
                FileContents::Elsewhere(remote) => Content::Remote(remote),
            };
            let node = self.insert(content, 0o644, now);
            self.attach(directory, name, node);
        }
    }

    /// A new node that nothing refers to yet.
    pub(super) fn insert(&mut self, content: Content, permissions: u32, now: Time) -> NodeId {
        let node = Node {
            content,
            permissions,
            links: 0,
            uses: 0,
            times: [now; 3],
        };
        match self.nodes.iter().position(Option::is_none) {
            Some(id) => {
                self.nodes[id] = Some(node);
                id
            }
            None => {
                self.nodes.push(Some(node));
                self.nodes.len() - 1
            }
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes[id].as_ref().expect("what is referred to exists")
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id].as_mut().expect("what is referred to exists")
    }

    /// The entries of a directory.
    pub(super) fn entries(&self, id: NodeId) -> Result<&BTreeMap<Vec<u8>, NodeId>> {
        match &self.node(id).content {
            Content::Directory { entries, .. } => Ok(entries),
            _ => Err(errno::ENOTDIR),
        }
    }

    fn entries_mut(&mut self, id: NodeId) -> &mut BTreeMap<Vec<u8>, NodeId> {
        match &mut self.node_mut(id).content {
            Content::Directory { entries, .. } => entries,
            _ => unreachable!("only directories have entries"),
        }
    }

    fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        self.entries(directory).ok()?.get(name).copied()
    }

    /// The directory that `..` of this one is.
    pub(super) fn parent(&self, id: NodeId) -> NodeId {
        match self.node(id).content {
            Content::Directory { parent, .. } => parent,
            _ => ROOT,
        }
    }

    /// Gives a node a name.
    pub(super) fn attach(&mut self, directory: NodeId, name: Vec<u8>, node: NodeId) {
        self.entries_mut(directory).insert(name, node);
        self.node_mut(node).links += 1;
        if let Content::Directory { parent, .. } = &mut self.node_mut(node).content {
            *parent = directory;
        }
    }

    fn detach(&mut self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        let node = self.entries_mut(directory).remove(name)?;
        self.node_mut(node).links -= 1;
        Some(node)
    }

    /// Frees a node that nothing refers to any more.
    pub(super) fn free_if_unused(&mut self, id: NodeId) {
        let node = self.node(id);
        if node.links == 0 && node.uses == 0 && id != self.working {
            if let (Some(file), Some(Data(storage))) = (self.stored_file(id), self.storage) {
                storage.release(file);
            }
            self.nodes[id] = None;
        }
    }

    /// Follows a path from `start`, or from the root if it is absolute.
    pub(super) fn locate(&self, start: NodeId, path: &[u8], last_link: LastLink) -> Result<Place> {
        if path.is_empty() {
            return Err(errno::ENOENT);
        }
        if path.len() >= PATH_LIMIT_BYTES {
            return Err(errno::ENAMETOOLONG);
        }
        let wants_directory = path.ends_with(b"/");
        let mut pending: Vec<Vec<u8>> = parts(path).collect();
        let mut current = if path.starts_with(b"/") { ROOT } else { start };
        let mut links = 0;
        while let Some(part) = pending.pop() {
            let entries = self.entries(current)?;
            if part.len() > NAME_LIMIT_BYTES {
                return Err(errno::ENAMETOOLONG);
            }
            if part == b"." {
                continue;
            }
            if part == b".." {
                current = self.parent(current);
                continue;
            }
            let is_last = pending.is_empty();
            let Some(node) = entries.get(&part).copied() else {
                if !is_last {
                    return Err(errno::ENOENT);
                }
                return Ok(Place {
                    parent: current,
                    name: part,
                    node: None,
                    wants_directory,
                });
            };
            match &self.node(node).content {
                Content::Link(target)
                    if !is_last || wants_directory || last_link == LastLink::Followed =>
                {
                    links += 1;
                    if links > LINK_LIMIT {
                        return Err(errno::ELOOP);
                    }
                    if target.starts_with(b"/") {
                        current = ROOT;
                    }
                    pending.extend(parts(target));
                }
                content if is_last => {
                    if wants_directory && !matches!(content, Content::Directory { .. }) {
                        return Err(errno::ENOTDIR);
                    }
                    return Ok(Place {
                        parent: current,
                        name: part,
                        node: Some(node),
                        wants_directory,
                    });
                }
                Content::Directory { .. } => current = node,
                _ => return Err(errno::ENOTDIR),
            }
        }
        Ok(Place {
            parent: self.parent(current),
            name: Vec::new(),
            node: Some(current),
            wants_directory,
        })
    }

    /// The node that a path leads to.
    pub(super) fn find(&self, start: NodeId, path: &[u8], last_link: LastLink) -> Result<NodeId> {
        self.locate(start, path, last_link)?
            .node
            .ok_or(errno::ENOENT)
    }

    /// The absolute path of a directory.
    pub(super) fn path_of(&self, directory: NodeId) -> Result<Vec<u8>> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut current = directory;
        while current != ROOT {
            let parent = self.parent(current);
            let entries = self.entries(parent)?;
            let found = entries.iter().find(|(_, node)| **node == current);
            // It was removed.
            let (name, _) = found.ok_or(errno::ENOENT)?;
            names.push(name);
            current = parent;
        }
        if names.is_empty() {
            return Ok(b"/".to_vec());
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        Ok(path)
    }

    /// Makes something new at a place where nothing is.
    pub(super) fn create(
        &mut self,
        place: Place,
        content: Content,
        permissions: u32,
        now: Time,
    ) -> Result<NodeId> {
        if place.node.is_some() {
            return Err(errno::EEXIST);
        }
        if place.wants_directory && !matches!(content, Content::Directory { .. }) {
            return Err(errno::EISDIR);
        }
        // A directory that was removed takes no new names.
        if place.parent != ROOT && self.node(place.parent).links == 0 {
            return Err(errno::ENOENT);
        }
        let content = match self.stored_folder(place.parent) {
            Some(folder) => self.store(folder, &place.name, content)?,
            None => content,
        };
        let node = self.insert(content, permissions, now);
        self.node_mut(place.parent).touch(now);
        self.attach(place.parent, place.name, node);
        Ok(node)
    }

    /// Makes something new in a folder of the storage.
    fn store(&self, folder: u32, name: &[u8], content: Content) -> Result<Content> {
        let name = text(name)?;
        Ok(match content {
            Content::Written(bytes) if bytes.is_empty() => {
                Content::Stored(self.storage()?.create(folder, name)?, 0)
            }
            Content::Directory {
                entries, parent, ..
            } => Content::Directory {
                entries,
                parent,
                stored: Some(self.storage()?.make_folder(folder, name)?),
            },
            _ => return Err(errno::EPERM),
        })
    }

    pub(super) fn make_directory(
        &mut self,
        place: Place,
        permissions: u32,
        now: Time,
    ) -> Result<()> {
        let content = Content::Directory {
            entries: BTreeMap::new(),
            parent: place.parent,
            stored: None,
        };
        self.create(place, content, permissions, now).map(drop)
    }

    /// Removes a name of what is no directory.
    pub(super) fn unlink(&mut self, place: &Place, now: Time) -> Result<()> {
        let node = place.node.ok_or(errno::ENOENT)?;
        if self.node(node).is_directory() {
            return Err(errno::EISDIR);
        }
        if let Some(file) = self.stored_file(node) {
            self.storage()?.unlink(file)?;
        }
        self.remove(place, node, now);
        Ok(())
    }

    /// Removes an empty directory.
    pub(super) fn remove_directory(&mut self, place: &Place, now: Time) -> Result<()> {
        let node = place.node.ok_or(errno::ENOENT)?;
        if !self.entries(node)?.is_empty() {
            return Err(errno::ENOTEMPTY);
        }
        if node == ROOT {
            return Err(errno::EBUSY);
        }
        if place.name.is_empty() {
            return Err(errno::EINVAL);
        }
        match (self.stored_folder(place.parent), self.stored_folder(node)) {
            (_, Some(0)) => return Err(errno::EBUSY),
            (Some(parent), Some(_)) => self.storage()?.remove_folder(parent, text(&place.name)?)?,
            _ => {}
        }
        self.remove(place, node, now);
        Ok(())
    }

    fn remove(&mut self, place: &Place, node: NodeId, now: Time) {
        self.detach(place.parent, &place.name);
        self.node_mut(place.parent).touch(now);
        self.node_mut(node).times[2] = now;
        self.free_if_unused(node);
    }

    /// Moves a name; what had the new name is replaced.
    pub(super) fn rename(&mut self, from: Place, to: Place, now: Time) -> Result<()> {
        let node = from.node.ok_or(errno::ENOENT)?;
        if from.name.is_empty() || to.name.is_empty() {
            return Err(errno::EBUSY);
        }
        let is_directory = self.node(node).is_directory();
        if to.wants_directory && !is_directory {
            return Err(errno::ENOTDIR);
        }
        if is_directory && self.is_inside(to.parent, node) {
            return Err(errno::EINVAL);
        }
        if let Some(old) = to.node {
            // Two names of one file: nothing happens.
            if old == node {
                return Ok(());
            }
            match (is_directory, self.node(old).is_directory()) {
                (false, true) => return Err(errno::EISDIR),
                (true, false) => return Err(errno::ENOTDIR),
                (true, true) | (false, false) => {}
            }
        }
        self.check_storage(node, &from, &to)?;
        if is_directory && to.node.is_some() {
            self.remove_directory(&to, now)?;
        }
        if let Some(folder) = self.stored_folder(to.parent) {
            let name = text(&to.name)?;
            match self.stored_file(node) {
                Some(file) => {
                    let replaced = to.node.and_then(|old| self.stored_file(old));
                    self.storage()?.rename(file, folder, name, replaced)?;
                }
                None => self
                    .storage()?
                    .rename_folder(folder, text(&from.name)?, name)?,
            }
        }
        if let Some(old) = to.node.filter(|_| !is_directory) {
            self.remove(&to, old, now);
        }
        self.detach(from.parent, &from.name);
        self.attach(to.parent, to.name, node);
        self.node_mut(node).times[2] = now;
        for parent in [from.parent, to.parent] {
            self.node_mut(parent).touch(now);
        }
        Ok(())
    }

    /// Nothing moves into the storage or out of it; folders in it keep their place.
    fn check_storage(&self, node: NodeId, from: &Place, to: &Place) -> Result<()> {
        let is_stored = self.stored_folder(node).is_some() || self.stored_file(node).is_some();
        if self.stored_folder(node) == Some(0) {
            return Err(errno::EBUSY);
        }
        let old_is_stored =
            |old| self.stored_file(old).is_some() || self.stored_folder(old).is_some();
        let crosses = is_stored != self.stored_folder(to.parent).is_some()
            || to.node.is_some_and(|old| old_is_stored(old) != is_stored)
            || (self.stored_folder(node).is_some() && from.parent != to.parent);
        if crosses { Err(errno::EXDEV) } else { Ok(()) }
    }

    fn is_inside(&self, mut directory: NodeId, ancestor: NodeId) -> bool {
        loop {
            if directory == ancestor {
                return true;
            }
            if directory == ROOT {
                return false;
            }
            directory = self.parent(directory);
        }
    }

    /// The bytes of a regular file, to be changed.
    fn written(&mut self, id: NodeId) -> Result<&mut Vec<u8>> {
        let content = &self.node(id).content;
        if let Content::Given(_) | Content::Remote(_) = content {
            let size = self.node(id).size().unwrap_or(0);
            let mut copy = Vec::new();
            copy.try_reserve_exact(size).map_err(|_| errno::ENOSPC)?;
            copy.resize(size, 0);
            self.read_all_at(id, 0, &mut copy)?;
            self.node_mut(id).content = Content::Written(copy);
        }
        match &mut self.node_mut(id).content {
            Content::Written(bytes) => Ok(bytes),
            Content::Directory { .. } => Err(errno::EISDIR),
            _ => Err(errno::EINVAL),
        }
    }

    /// Makes a file longer, with zeros, or shorter.
    pub(super) fn resize(&mut self, id: NodeId, size: usize, now: Time) -> Result<()> {
        if let Some(file) = self.stored_file(id) {
            self.storage()?.resize(file, size)?;
            self.node_mut(id).content = Content::Stored(file, size);
            self.node_mut(id).touch(now);
            return Ok(());
        }
        // What is cut off needs no copy.
        if size == 0 && self.node(id).size().is_some() {
            self.node_mut(id).content = Content::Written(Vec::new());
        }
        let bytes = self.written(id)?;
        let more = size.saturating_sub(bytes.len());
        bytes.try_reserve(more).map_err(|_| errno::ENOSPC)?;
        bytes.resize(size, 0);
        self.node_mut(id).touch(now);
        Ok(())
    }

    /// Copies bytes of a regular file; less at its end.
    pub(super) fn read_at(&self, id: NodeId, offset: usize, buffer: &mut [u8]) -> Result<usize> {
        let node = self.node(id);
        let size = node.size().ok_or(errno::EINVAL)?;
        let count = size.saturating_sub(offset).min(buffer.len());
        if let Some(bytes) = node.bytes() {
            let rest = bytes.get(offset..).unwrap_or(&[]);
            buffer[..count].copy_from_slice(&rest[..count]);
            return Ok(count);
        }
        read_in_parts(&mut buffer[..count], |done, part| match node.content {
            Content::Remote(file) => file.read(offset + done, part),
            Content::Stored(file, _) => self.storage()?.read(file, offset + done, part),
            _ => Err(errno::EINVAL),
        })
    }

    /// The same, but for what is not in the file and therefore not asked for, all or nothing.
    pub(super) fn read_all_at(&self, id: NodeId, offset: usize, buffer: &mut [u8]) -> Result<()> {
        let size = self.node(id).size().ok_or(errno::EINVAL)?;
        let count = size.saturating_sub(offset).min(buffer.len());
        if self.read_at(id, offset, &mut buffer[..count])? < count {
            return Err(errno::EIO);
        }
        Ok(())
    }

    /// Writes to a regular file; less when there is no room for more.
    pub(super) fn write_at(
        &mut self,
        id: NodeId,
        offset: usize,
        bytes: &[u8],
        now: Time,
    ) -> Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let Some(file) = self.stored_file(id) else {
            self.room(id, offset, bytes.len(), now)?
                .copy_from_slice(bytes);
            return Ok(bytes.len());
        };
        let storage = self.storage()?;
        let mut copy = bounce(bytes.len())?;
        let mut done = 0;
        for part in bytes.chunks(BOUNCE_SIZE_BYTES) {
            let copy = &mut copy[..part.len()];
            copy.copy_from_slice(part);
            match storage.write(file, offset + done, copy) {
                Ok(written) => done += written,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            if done % BOUNCE_SIZE_BYTES != 0 {
                break;
            }
        }
        let size = self.node(id).size().unwrap_or(0).max(offset + done);
        let node = self.node_mut(id);
        node.content = Content::Stored(file, size);
        node.touch(now);
        Ok(done)
    }

    /// Room for `count` bytes at `offset`, which the caller fills.
    fn room(&mut self, id: NodeId, offset: usize, count: usize, now: Time) -> Result<&mut [u8]> {
        let end = offset
            .checked_add(count)
            .filter(|end| isize::try_from(*end).is_ok())
            .ok_or(errno::EFBIG)?;
        if self.node(id).size().is_some_and(|size| size < end) {
            self.resize(id, end, now)?;
        }
        self.node_mut(id).touch(now);
        Ok(&mut self.written(id)?[offset..end])
    }
}

/// What goes to the storage or comes from it at once.
const BOUNCE_SIZE_BYTES: usize = 64 << 10;

/// Fills the buffer from what `read` reads from an offset on; less at its end.
pub(super) fn read_in_parts(
    buffer: &mut [u8],
    mut read: impl FnMut(usize, &mut [u8]) -> Result<usize>,
) -> Result<usize> {
    // The program's memory may fault, and nothing of the storage must be under way then.
    let mut copy = bounce(buffer.len())?;
    let mut done = 0;
    while done < buffer.len() {
        let part = &mut copy[..(buffer.len() - done).min(BOUNCE_SIZE_BYTES)];
        match read(done, part) {
            Ok(0) => break,
            Ok(read) => {
                buffer[done..done + read].copy_from_slice(&part[..read]);
                done += read;
            }
            Err(error) if done == 0 => return Err(error),
            // Whoever asks for the rest hears of it.
            Err(_) => break,
        }
    }
    Ok(done)
}

fn bounce(size: usize) -> Result<Vec<u8>> {
    let size = size.min(BOUNCE_SIZE_BYTES);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| errno::ENOMEM)?;
    bytes.resize(size, 0);
    Ok(bytes)
}

/// Names in the storage are text.
fn text(name: &[u8]) -> Result<&str> {
    core::str::from_utf8(name).map_err(|_| errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = [1, 2];

    fn tree() -> Tree {
        let files = [
            File {
                path: "/etc/motd",
                contents: FileContents::Memory(b"hello"),
            },
            File {
                path: "/a/b/c",
                contents: FileContents::Memory(b""),
            },
        ];
        Tree::new(&files, NOW)
    }

    fn place(tree: &Tree, path: &str) -> Place {
        tree.locate(ROOT, path.as_bytes(), LastLink::Kept).unwrap()
    }

    fn error(tree: &Tree, path: &str) -> c_int {
        tree.find(ROOT, path.as_bytes(), LastLink::Followed)
            .unwrap_err()
    }

    fn read(tree: &Tree, path: &str) -> Vec<u8> {
        let node = tree
            .find(ROOT, path.as_bytes(), LastLink::Followed)
            .unwrap();
        tree.node(node).bytes().unwrap().to_vec()
    }

    #[test]
    fn paths_lead_to_files_or_to_the_right_error() {
        let tree = tree();
        assert_eq!(read(&tree, "/etc//./motd"), b"hello");
        assert_eq!(read(&tree, "a/../etc/motd"), b"hello");
        assert_eq!(error(&tree, ""), errno::ENOENT);
        assert_eq!(error(&tree, "/etc/motd/x"), errno::ENOTDIR);
        assert_eq!(error(&tree, "/etc/motd/"), errno::ENOTDIR);
        assert_eq!(error(&tree, "/no/x"), errno::ENOENT);
        assert_eq!(error(&tree, &"x".repeat(256)), errno::ENAMETOOLONG);
        assert_eq!(error(&tree, &"x/".repeat(2100)), errno::ENAMETOOLONG);
        assert_eq!(place(&tree, "/..").node, Some(ROOT));
    }

    /// A file of 200,000 bytes, one of which, the 150,000th, cannot be read.
    #[derive(Debug)]
    struct Remote;

    impl RemoteFile for Remote {
        fn size_bytes(&self) -> usize {
            200_000
        }

        fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<usize> {
            const BLOCK: usize = 10_000;
            if offset / BLOCK == 15 {
                return Err(errno::EIO);
            }
            let count = (BLOCK - offset % BLOCK).min(buffer.len());
            for (index, byte) in buffer[..count].iter_mut().enumerate() {
                *byte = ((offset + index) / 1000) as u8;
            }
            Ok(count)
        }
    }

    #[test]
    fn a_remote_file_is_read_in_parts_and_copied_when_it_is_written() {
        let file = File {
            path: "/far",
            contents: FileContents::Elsewhere(&Remote),
        };
        let mut tree = Tree::new(&[file], NOW);
        let node = place(&tree, "/far").node.unwrap();
        let mut buffer = [0; 100_000];
        assert_eq!(tree.read_at(node, 9_500, &mut buffer), Ok(100_000));
        assert!((0..100_000).all(|index| buffer[index] == ((9_500 + index) / 1000) as u8));
        assert_eq!(tree.read_at(node, 100_000, &mut buffer), Ok(50_000));
        assert_eq!(tree.read_at(node, 150_000, &mut buffer), Err(errno::EIO));
        assert_eq!(tree.read_at(node, 199_990, &mut buffer), Ok(10));
        assert_eq!(tree.read_at(node, 200_000, &mut buffer), Ok(0));
        assert_eq!(
            tree.read_all_at(node, 100_000, &mut buffer),
            Err(errno::EIO)
        );
        assert_eq!(tree.read_all_at(node, 160_000, &mut buffer), Ok(()));
        assert_eq!(tree.room(node, 5, 1, NOW), Err(errno::EIO));
        tree.resize(node, 0, NOW).unwrap();
        tree.room(node, 2, 1, NOW).unwrap()[0] = 7;
        assert_eq!(read(&tree, "/far"), [0, 0, 7]);
    }

    #[test]
    fn a_given_file_is_copied_when_it_is_written() {
        let mut tree = tree();
        let node = place(&tree, "/etc/motd").node.unwrap();
        tree.room(node, 7, 2, NOW).unwrap().copy_from_slice(b"!!");
        assert_eq!(read(&tree, "/etc/motd"), b"hello\0\0!!");
        tree.resize(node, 2, NOW).unwrap();
        assert_eq!(read(&tree, "/etc/motd"), b"he");
        assert_eq!(tree.room(node, usize::MAX, 2, NOW), Err(errno::EFBIG));
    }

    #[test]
    fn links_are_followed_and_loops_end() {
        let mut tree = tree();
        for (path, target) in [("/l", "etc"), ("/m", "/l/motd"), ("/x", "y"), ("/y", "x")] {
            let at = place(&tree, path);
            tree.create(at, Content::Link(target.into()), 0o777, NOW)
                .unwrap();
        }
        assert_eq!(read(&tree, "/m"), b"hello");
        assert_eq!(error(&tree, "/x"), errno::ELOOP);
    }

    #[test]
    fn names_move_and_replace() {
        let mut tree = tree();
        let (from, to) = (place(&tree, "/etc/motd"), place(&tree, "/a/b/c"));
        tree.rename(from, to, NOW).unwrap();
        assert_eq!(read(&tree, "/a/b/c"), b"hello");
        assert_eq!(error(&tree, "/etc/motd"), errno::ENOENT);
        let (from, to) = (place(&tree, "/a"), place(&tree, "/a/b/x"));
        assert_eq!(tree.rename(from, to, NOW), Err(errno::EINVAL));
        let (from, to) = (place(&tree, "/a/b/c"), place(&tree, "/etc"));
        assert_eq!(tree.rename(from, to, NOW), Err(errno::EISDIR));
        let (from, to) = (place(&tree, "/a/b"), place(&tree, "/etc"));
        tree.rename(from, to, NOW).unwrap();
        assert_eq!(read(&tree, "/etc/c"), b"hello");
        let etc = place(&tree, "/etc").node.unwrap();
        assert_eq!(tree.path_of(etc).unwrap(), b"/etc");
    }

    #[test]
    fn only_what_is_empty_and_no_directory_is_removed() {
        let mut tree = tree();
        let at = place(&tree, "/etc");
        assert_eq!(tree.unlink(&at, NOW), Err(errno::EISDIR));
        assert_eq!(tree.remove_directory(&at, NOW), Err(errno::ENOTEMPTY));
        let file = place(&tree, "/etc/motd");
        assert_eq!(tree.remove_directory(&file, NOW), Err(errno::ENOTDIR));
        tree.unlink(&file, NOW).unwrap();
        tree.remove_directory(&at, NOW).unwrap();
        assert_eq!(error(&tree, "/etc"), errno::ENOENT);
        let root = place(&tree, "/");
        assert!(tree.remove_directory(&root, NOW).is_err());
    }
}
