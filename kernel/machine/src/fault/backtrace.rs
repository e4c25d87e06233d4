//! Who called whom, as far as it can be seen.
//!
//! Rust's frames are linked by their frame pointers; LLVM's are not. Where the chain ends early, the rest
//! of the stack is searched for words that look like return addresses: they are marked with a question
//! mark, because some are left over from calls that have returned.

use bareflow_cxx_runtime::platform::Stream;

use super::symbols::Place;
use crate::interrupts::TrapFrame;
use crate::{console, image, layout, memory};

const FRAME_LIMIT: usize = 32;
const GUESS_LIMIT: usize = 24;
const SEARCHED_WORDS: usize = 4096;
const WORD_BYTES: u64 = 8;

/// The word at an address on the stack.
fn stack_word(address: u64) -> Option<u64> {
    let is_word = address.is_multiple_of(WORD_BYTES) && layout::is_stack(address as usize);
    // SAFETY: the whole stack is mapped, and a word that begins at a multiple of 8 does not leave it.
    is_word.then(|| unsafe { *core::ptr::with_exposed_provenance(address as usize) })
}

/// Code of LLVM counts if its page is there: what has called has been executed.
fn is_kernel_code(address: u64) -> bool {
    let address = address as usize;
    image::text().contains(&address)
        || (image::llvm_text().contains(&address) && memory::is_committed(address))
}

fn is_code(address: u64) -> bool {
    is_kernel_code(address) || layout::is_code_pool(address as usize)
}

/// Whether a call instruction ends at the address: `call rel32` or `call` through a register or memory
/// (Intel SDM volume 2, CALL).
fn follows_call(address: u64) -> bool {
    if !is_kernel_code(address) || !is_kernel_code(address - 7) {
        return false;
    }
    let before = |count: u64| {
        // SAFETY: both ends of these seven bytes are in the kernel's code.
        unsafe { *core::ptr::with_exposed_provenance::<u8>((address - count) as usize) }
    };
    let is_indirect = |length: u64| before(length) == 0xff && before(length - 1) & 0x38 == 0x10;
    before(5) == 0xe8 || is_indirect(2) || is_indirect(3) || is_indirect(6)
}

/// Prints the callers of the interrupted code.
pub(super) fn print(frame: &TrapFrame) {
    let line = |text: core::fmt::Arguments| console::print(Stream::Error, text);
    line(format_args!("backtrace:\n"));
    let mut pointer = frame.rbp;
    // After an overflow the stack pointer is below the stack.
    let mut end = frame.rsp.max(layout::stack_start() as u64);
    for _ in 0..FRAME_LIMIT {
        // Frames lie one above the other.
        let (Some(next), Some(caller)) = (stack_word(pointer), stack_word(pointer + WORD_BYTES))
        else {
            break;
        };
        if pointer < end || !is_code(caller) {
            break;
        }
        line(format_args!("    {}\n", Place(caller)));
        end = pointer + 2 * WORD_BYTES;
        pointer = next;
    }
    let words = (0..SEARCHED_WORDS).map_while(|index| stack_word(end + index as u64 * WORD_BYTES));
    for word in words.filter(|word| follows_call(*word)).take(GUESS_LIMIT) {
        line(format_args!("  ? {}\n", Place(word)));
    }
}
