//! Whether the program has written where it has nothing to write.
//!
//! There is one address space: nothing keeps a program from overwriting the kernel. What it has destroyed must not
//! become a good ending, an endless one, or a snapshot. So what does not change while the program runs is looked at,
//! before LLVM works for it again, before a snapshot, and at its end:
//!
//! 1. LLVM's variables, as a checksum, and samples of its memory.
//! 2. Canaries at both ends of the kernel's variables and around the heap's records, which every tick of the timer looks at too.
//! 3. The slots and limits of the program's units ([`crate::tiers`]).

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bareflow_cxx_runtime::arena;

use crate::bindings::{LLVM_SEALED_ALL, llvm_sealed_t};

/// What is said of a program that has overwritten its own tables.
pub(crate) const OVERWRITTEN_TABLES: &str =
    "the program has overwritten the tables that its functions are called by";
/// What is said of a program that is ended while it runs.
pub(crate) const OVERWRITTEN_KERNEL: &str = "the program has overwritten the kernel's variables,";

const CANARY: u64 = 0x6261_7265_666c_6f77;
const CANARY_WORDS: usize = 8;

type Canary = [AtomicU64; CANARY_WORDS];

/// The linker scripts put these first and last.
#[unsafe(link_section = ".canary.data.first")]
static FIRST_OF_DATA: Canary = [const { AtomicU64::new(CANARY) }; CANARY_WORDS];
#[unsafe(link_section = ".canary.data.last")]
static LAST_OF_DATA: Canary = [const { AtomicU64::new(CANARY) }; CANARY_WORDS];
#[unsafe(link_section = ".bss.canary.first")]
static FIRST_OF_BSS: Canary = [const { AtomicU64::new(0) }; CANARY_WORDS];
#[unsafe(link_section = ".canary.bss.last")]
static LAST_OF_BSS: Canary = [const { AtomicU64::new(0) }; CANARY_WORDS];

const ALL: [&Canary; 4] = [&FIRST_OF_DATA, &LAST_OF_DATA, &FIRST_OF_BSS, &LAST_OF_BSS];

const NOT_SET: u64 = 1;

/// Whether the canaries have been set. Zeros mean that they have: somebody has overwritten this.
static IS_SET: AtomicU64 = AtomicU64::new(NOT_SET);

/// Sets the canaries, before the program starts.
pub(crate) fn set_canaries() {
    for word in ALL.into_iter().flatten() {
        word.store(CANARY, Relaxed);
    }
    IS_SET.store(CANARY, Relaxed);
}

/// Whether a canary has died since they were set. For interrupt handlers too.
pub(crate) fn has_dead_canary() -> bool {
    IS_SET.load(Relaxed) != NOT_SET && !canaries_live()
}

fn canaries_live() -> bool {
    let mut words = ALL.into_iter().flatten();
    words.all(|word| word.load(Relaxed) == CANARY) && bareflow_cxx_runtime::heap_is_intact()
}

/// What was sealed, and what it looked like.
struct Seal {
    sealed: llvm_sealed_t,
    variables: u64,
    memory: u64,
}

struct Sealed(UnsafeCell<Seal>);

// SAFETY: there is one thread, and no interrupt handler looks at it.
unsafe impl Sync for Sealed {}

static SEAL: Sealed = Sealed(UnsafeCell::new(Seal {
    sealed: 0,
    variables: 0,
    memory: 0,
}));

unsafe extern "C" {
    static __llvm_data_start: u8;
    static __llvm_data_end: u8;
    static __llvm_bss_start: u8;
    static __llvm_bss_end: u8;
}

/// Where LLVM's variables are, and libc++'s.
pub(crate) fn llvm_variables() -> [Range<usize>; 2] {
    let range = |start: *const u8, end: *const u8| start as usize..end as usize;
    [
        range(&raw const __llvm_data_start, &raw const __llvm_data_end),
        range(&raw const __llvm_bss_start, &raw const __llvm_bss_end),
    ]
}

const WORD_BYTES: usize = size_of::<u64>();
/// Fletcher's checksum: of the words, and of the sums so far, which tell the places of words apart. It is taken twice
/// when the program waits for a compilation, so it does no more than adding: as many words at once as registers of 16
/// bytes take.
#[derive(Default)]
struct Sum {
    words: [u64; Self::LANES],
    sums: [u64; Self::LANES],
}

impl Sum {
    const LANES: usize = 8;

    fn add(&mut self, words: &[u64]) {
        let lanes = self.words.iter_mut().zip(&mut self.sums);
        for ((words_sum, sum), &word) in lanes.zip(words) {
            *words_sum = words_sum.wrapping_add(word);
            *sum = sum.wrapping_add(*words_sum);
        }
    }

    fn finish(self) -> u64 {
        let lanes = self.words.into_iter().zip(self.sums);
        lanes.fold(0, |all: u64, (words, sum)| {
            all.rotate_left(7) ^ words ^ sum.rotate_left(32)
        })
    }
}

/// The whole words of memory.
///
/// # Safety
/// The range must be readable, and nobody may write there meanwhile.
unsafe fn words_of<'a>(range: Range<usize>) -> &'a [u64] {
    let start = range.start.next_multiple_of(WORD_BYTES);
    let count = range.end.saturating_sub(start) / WORD_BYTES;
    let start = core::ptr::with_exposed_provenance(start);
    // SAFETY: the caller's promise; the address is a multiple of a word's size.
    unsafe { core::slice::from_raw_parts(start, count) }
}

fn checksum(words: &[u64]) -> u64 {
    let mut sum = Sum::default();
    let (rows, rest) = words.as_chunks::<{ Sum::LANES }>();
    for row in rows {
        sum.add(row);
    }
    sum.add(rest);
    sum.finish()
}

/// Of every [`SAMPLE_STEP`]th word.
fn checksum_of_samples(words: &[u64]) -> u64 {
    let mut sum = Sum::default();
    for word in words.iter().step_by(SAMPLE_STEP) {
        sum.add(core::slice::from_ref(word));
    }
    sum.finish()
}

fn checksum_of_variables() -> u64 {
    llvm_variables().into_iter().fold(0, |all, range| {
        // SAFETY: they are variables of this kernel, and neither LLVM nor the program runs.
        all.rotate_left(1) ^ checksum(unsafe { words_of(range) })
    })
}

/// One word of this many: whoever overwrites much meets some of them, and all take microseconds.
const SAMPLE_STEP: usize = (64 << 10) / WORD_BYTES;

fn checksum_of_memory() -> u64 {
    arena::mapped_ranges().fold(0, |all, range| {
        // SAFETY: the arena's memory is mapped; as above.
        all.rotate_left(1) ^ checksum_of_samples(unsafe { words_of(range) })
    })
}

/// `llvm_options_t.seal`
pub(crate) unsafe extern "C" fn seal(_user: *mut c_void, sealed: llvm_sealed_t) {
    let fresh = Seal {
        sealed,
        variables: checksum_of_variables(),
        memory: if sealed == LLVM_SEALED_ALL {
            checksum_of_memory()
        } else {
            0
        },
    };
    // SAFETY: see Sealed.
    unsafe { *SEAL.0.get() = fresh };
}

/// `llvm_options_t.is_changed`
pub(crate) unsafe extern "C" fn is_changed(_user: *mut c_void, what: *mut *const c_char) -> c_int {
    // SAFETY: see Sealed.
    let seal = unsafe { &*SEAL.0.get() };
    let found: Option<&CStr> = if has_dead_canary() {
        Some(c"the kernel's variables")
    } else if seal.variables != checksum_of_variables() {
        Some(c"LLVM's variables")
    } else if seal.sealed == LLVM_SEALED_ALL && seal.memory != checksum_of_memory() {
        Some(c"LLVM's memory")
    } else {
        None
    };
    if let Some(text) = found {
        // SAFETY: the caller passes a place for it.
        unsafe { *what = text.as_ptr() };
    }
    c_int::from(found.is_some())
}
