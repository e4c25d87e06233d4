//! What differs by architecture. Each is a folder that defines the same names; nothing else in this crate names an
//! instruction or a register.
//!
//! | name | what |
//! |---|---|
//! | `NAME` | the machine of `uname` |
//! | `VaList` | `va_list` |
//! | `variadic!`, `returning_long_double!`, `returning_integer!`, `returning_long_complex!`, `parsing_long_double!`, `with_third_in_memory!`, `jumps!`, `address_table!` | define functions and tables that Rust cannot |
//! | `capabilities`, `note_features` | what the processor has: for the runtime's own functions, and for `__builtin_cpu_supports` |
//! | `FloatingPointEnvironment`, `set_environment`, `set_default_environment`, `rounding_direction` | `fenv_t`, and what sets it |
//! | `store_root`, `lost_by_product` | instructions that Rust has no function for |
//! | `late_constructors` | an array that a linker script may delimit |
//! | `thread_local_bytes`, `lay_out_thread_local` | the layout of thread-local data |
//! | `SYS_GETRANDOM` | the number of a system call |
//!
//! Each also exports, to C: `setjmp`, `longjmp`, `sigsetjmp` and `siglongjmp`; `getcontext`, `setcontext`, `swapcontext`,
//! `bareflow_makecontext`; the compiler's conversions of 128-bit integers to long doubles; and what
//! `__builtin_cpu_supports` reads.

#[cfg(target_arch = "x86")]
mod i686;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86")]
pub(crate) use i686::*;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(crate) use x86::*;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::*;

/// A direction of rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Nearest,
    Down,
    Up,
    TowardZero,
}

/// What the runtime's own functions may use.
pub(crate) struct Capabilities {
    /// For functions of blocks and strings.
    pub(crate) of_blocks: bareflow_blocks::Processor,
    /// Whether a product and a sum can be rounded once.
    pub(crate) fused_multiply_add: bool,
}
