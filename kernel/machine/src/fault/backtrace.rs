//! Who called whom, as far as it can be seen.
//!
//! Rust's frames are linked by their frame pointers; LLVM's are not. Where the chain ends early, the rest
//! of the stack is searched for words that look like return addresses: they are marked with a question
//! mark, because some are left over from calls that have returned.

use bareflow_cxx_runtime::platform::Stream;

use super::symbols::Place;
use crate::arch::trap::{LONGEST_CALL_BYTES, TrapFrame, ends_call};
use crate::{console, image, layout, memory};

const FRAME_LIMIT: usize = 32;
const GUESS_LIMIT: usize = 24;
const SEARCHED_WORDS: usize = 4096;
const WORD_BYTES: usize = size_of::<usize>();

/// The word at an address on the stack.
fn stack_word(address: usize) -> Option<usize> {
    let is_word = address.is_multiple_of(WORD_BYTES) && layout::is_stack(address);
    // SAFETY: the whole stack is mapped, and a word that begins at a multiple of its size does not leave it.
    is_word.then(|| unsafe { *core::ptr::with_exposed_provenance(address) })
}

/// Code of LLVM counts if its page is there: what has called has been executed.
fn is_kernel_code(address: usize) -> bool {
    image::text().contains(&address)
        || (image::llvm_text().contains(&address) && memory::is_committed(address))
}

fn is_code(address: usize) -> bool {
    is_kernel_code(address) || layout::is_code_pool(address)
}

/// Whether a call instruction ends at the address.
fn follows_call(address: usize) -> bool {
    let start = address.wrapping_sub(LONGEST_CALL_BYTES);
    is_kernel_code(address)
        && is_kernel_code(start)
        && ends_call(|count| {
            // SAFETY: both ends of these bytes are in the kernel's code.
            unsafe { *core::ptr::with_exposed_provenance::<u8>(address - count) }
        })
}

/// Prints the callers of the interrupted code.
pub(super) fn print(frame: &TrapFrame) {
    let line = |text: core::fmt::Arguments| console::print(Stream::Error, text);
    line(format_args!("backtrace:\n"));
    let mut pointer = frame.frame_pointer();
    // After an overflow the stack pointer is below the stack.
    let mut end = frame.stack().max(layout::stack_start());
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
    let words = (0..SEARCHED_WORDS).map_while(|index| stack_word(end + index * WORD_BYTES));
    for word in words.filter(|word| follows_call(*word)).take(GUESS_LIMIT) {
        line(format_args!("  ? {}\n", Place(word)));
    }
}
