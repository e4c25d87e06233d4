//! Standard input: the console's, or what came with the program.

use core::ffi::c_int;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::tree::read_in_parts;
use crate::platform::FileContents;
use crate::runtime::platform;

/// How much of what came with the program has been read: descriptors of standard input share it, as those of a pipe.
static READ_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Reads what comes next; nothing at the end of input.
pub(super) fn read(buffer: &mut [u8]) -> Result<usize, c_int> {
    let Some(contents) = platform().standard_input() else {
        return Ok(platform().console_read(buffer));
    };
    let start = READ_BYTES.load(Relaxed);
    let count = read_at(&contents, start, buffer)?;
    READ_BYTES.store(start + count, Relaxed);
    Ok(count)
}

fn read_at(contents: &FileContents, start: usize, buffer: &mut [u8]) -> Result<usize, c_int> {
    match contents {
        FileContents::Memory(bytes) => {
            let rest = bytes.get(start..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
        FileContents::Elsewhere(file) => {
            let count = file.size_bytes().saturating_sub(start).min(buffer.len());
            read_in_parts(&mut buffer[..count], |done, part| {
                file.read(start + done, part)
            })
        }
    }
}
