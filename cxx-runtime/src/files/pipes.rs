//! Pipes: what the program writes to one descriptor and reads from another. There is one process, so that a pipe holds
//! what it will itself read: signal handlers and event loops wake themselves in this way.

use core::ffi::c_int;

use alloc::collections::VecDeque;

use super::descriptors::{O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY, Transfer};
use super::{Content, FileSystem, NodeId, done, now, with};
use crate::errno;

const CAPACITY_BYTES: usize = 64 << 10;
/// What is not longer is written as a whole (`PIPE_BUF`).
const ATOMIC_BYTES: usize = 4096;

type Result<T> = core::result::Result<T, c_int>;

/// What can be done with the end of a pipe without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PipeEnd {
    /// The end to read from: whether there is something, and whether anybody can still write.
    Reading { has_bytes: bool, has_writer: bool },
    /// The end to write to: whether there is room, and whether anybody can still read.
    Writing { has_room: bool, has_reader: bool },
}

impl FileSystem {
    fn open_pipe(&mut self, flags: c_int) -> Result<[c_int; 2]> {
        let node = self
            .tree
            .insert(Content::Pipe(VecDeque::new()), 0o600, now());
        let opened = self.open_node(node, flags | O_RDONLY).and_then(|reading| {
            match self.open_node(node, flags | O_WRONLY) {
                Ok(writing) => Ok([reading, writing]),
                Err(number) => {
                    self.close(reading)?;
                    Err(number)
                }
            }
        });
        if opened.is_err() {
            self.tree.free_if_unused(node);
        }
        opened
    }

    fn has_end(&self, node: NodeId, access: c_int) -> bool {
        self.descriptions
            .iter()
            .flatten()
            .any(|description| description.node == node && description.flags & O_ACCMODE == access)
    }

    fn bytes_of_pipe(&mut self, node: NodeId) -> &mut VecDeque<u8> {
        match &mut self.tree.node_mut(node).content {
            Content::Pipe(bytes) => bytes,
            _ => unreachable!("the caller saw that it is a pipe"),
        }
    }

    /// Takes what there is; an empty pipe is at its end when nobody can write.
    pub(super) fn read_pipe(
        &mut self,
        node: NodeId,
        flags: c_int,
        buffer: &mut [u8],
    ) -> Result<Transfer> {
        let bytes = self.bytes_of_pipe(node);
        let count = buffer.len().min(bytes.len());
        for (place, byte) in buffer.iter_mut().zip(bytes.drain(..count)) {
            *place = byte;
        }
        if count != 0 || buffer.is_empty() || !self.has_end(node, O_WRONLY) {
            return Ok(Transfer::Bytes(count));
        }
        if flags & O_NONBLOCK != 0 {
            return Err(errno::EAGAIN);
        }
        Ok(Transfer::Waits("to read from an empty pipe"))
    }

    pub(super) fn write_pipe(
        &mut self,
        node: NodeId,
        flags: c_int,
        written: &[u8],
    ) -> Result<Transfer> {
        if !self.has_end(node, O_RDONLY) {
            return Ok(Transfer::Broken);
        }
        let bytes = self.bytes_of_pipe(node);
        let room = CAPACITY_BYTES - bytes.len();
        if written.len() <= room {
            bytes.extend(written);
            return Ok(Transfer::Bytes(written.len()));
        }
        if flags & O_NONBLOCK == 0 {
            // Nobody reads while the only thread writes.
            return Ok(Transfer::Waits("to write to a full pipe"));
        }
        if room == 0 || written.len() <= ATOMIC_BYTES {
            return Err(errno::EAGAIN);
        }
        bytes.extend(&written[..room]);
        Ok(Transfer::Bytes(room))
    }

    fn pipe_end(&self, descriptor: c_int) -> Option<PipeEnd> {
        let description = self.description(descriptor).ok()?;
        let Content::Pipe(bytes) = &self.tree.node(description.node).content else {
            return None;
        };
        Some(if description.flags & O_ACCMODE == O_WRONLY {
            PipeEnd::Writing {
                has_room: bytes.len() + ATOMIC_BYTES <= CAPACITY_BYTES,
                has_reader: self.has_end(description.node, O_RDONLY),
            }
        } else {
            PipeEnd::Reading {
                has_bytes: !bytes.is_empty(),
                has_writer: self.has_end(description.node, O_WRONLY),
            }
        })
    }
}

/// What can be done with this descriptor, if it is a pipe.
pub(crate) fn pipe_end(descriptor: c_int) -> Option<PipeEnd> {
    with(|system| system.pipe_end(descriptor))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pipe2(ends: *mut [c_int; 2], flags: c_int) -> c_int {
    done(with(|system| {
        let opened = system.open_pipe(flags)?;
        // SAFETY: the caller gives a place for two descriptors.
        unsafe { *ends = opened };
        Ok(())
    }))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn pipe(ends: *mut [c_int; 2]) -> c_int {
    // SAFETY: the caller's promise is that of `pipe2`.
    unsafe { pipe2(ends, 0) }
}
