//! What is known of the code that an exception or an interrupt has stopped.

use core::fmt;

use bareflow_program_env::{FaultCause, Resume};
use x86_64::registers::control::Cr2;
use x86_64::registers::rflags::RFlags;

/// What the entries have pushed, and the processor before them.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct TrapFrame {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rbp: u64,
    rdi: u64,
    rsi: u64,
    rdx: u64,
    rcx: u64,
    rbx: u64,
    rax: u64,
    vector: u64,
    error_code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// In a page fault's error code: the page is there, and does not allow the access.
const PAGE_FAULT_PRESENT: u64 = 1 << 0;
const PAGE_FAULT_WRITE: u64 = 1 << 1;
const PAGE_FAULT_FETCH: u64 = 1 << 4;

/// The address that the last page fault was about. A report may read names from the disk, by page faults of its own.
pub(super) fn faulting_address() -> usize {
    Cr2::read_raw() as usize
}

impl TrapFrame {
    /// A vector is below 256.
    pub(super) fn vector(&self) -> usize {
        self.vector as usize
    }

    /// Of a page fault: whether there is no page.
    pub(super) fn is_page_missing(&self) -> bool {
        self.error_code & PAGE_FAULT_PRESENT == 0
    }

    /// Why, from the vector (Intel SDM volume 3, table 6-1), if it is no page fault.
    pub(crate) fn cause(&self) -> FaultCause {
        FaultCause::Other(match self.vector {
            0 => return FaultCause::DivideError,
            1 => "debug exception",
            2 => "non-maskable interrupt",
            3 => return FaultCause::Breakpoint,
            4 => "overflow",
            5 => "bound range exceeded",
            6 => return FaultCause::InvalidOpcode,
            7 => "device not available",
            8 => "double fault",
            10 => "invalid task state segment",
            11 => "segment not present",
            12 => "stack fault: the stack pointer is not a valid address",
            13 => return FaultCause::GeneralProtection,
            16 | 19 => return FaultCause::FloatingPoint,
            17 => "alignment check",
            18 => "machine check",
            21 => "control protection exception",
            _ => "unexpected interrupt",
        })
    }

    /// Where the code was.
    pub(crate) fn instruction(&self) -> usize {
        self.rip as usize
    }

    /// How far its stack was in use.
    pub(crate) fn stack(&self) -> usize {
        self.rsp as usize
    }

    /// Where its function's frame is, if it has one.
    pub(crate) fn frame_pointer(&self) -> usize {
        self.rbp as usize
    }

    /// Has the handler return there.
    pub(crate) fn go_to(&mut self, resume: Resume) {
        self.rip = resume.instruction as u64;
        self.rsp = resume.stack as u64;
        // Functions expect a clear direction flag; a single-stepped program is not stepped any further.
        self.rflags &= !(RFlags::DIRECTION_FLAG | RFlags::TRAP_FLAG).bits();
    }

    /// Writes which exception it was, of this cause; `address` is that of a page fault.
    pub(crate) fn describe(
        &self,
        cause: &FaultCause,
        address: Option<usize>,
        to: &mut dyn fmt::Write,
    ) -> fmt::Result {
        writeln!(to, "exception {}: {cause}", self.vector)?;
        if let Some(address) = address {
            let access = match self.error_code {
                code if code & PAGE_FAULT_FETCH != 0 => "fetch from",
                code if code & PAGE_FAULT_WRITE != 0 => "store to",
                _ => "load from",
            };
            let code = self.error_code;
            writeln!(to, "  {access} {address:#018x}, error code {code:#x}")?;
        } else if self.error_code != 0 {
            writeln!(to, "  error code {:#x}", self.error_code)?;
        }
        Ok(())
    }

    /// Writes what was in the registers.
    pub(crate) fn describe_registers(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        let registers = [
            ("rax", self.rax),
            ("rbx", self.rbx),
            ("rcx", self.rcx),
            ("rdx", self.rdx),
            ("rsi", self.rsi),
            ("rdi", self.rdi),
            ("rbp", self.rbp),
            ("rsp", self.rsp),
            ("r8 ", self.r8),
            ("r9 ", self.r9),
            ("r10", self.r10),
            ("r11", self.r11),
            ("r12", self.r12),
            ("r13", self.r13),
            ("r14", self.r14),
            ("r15", self.r15),
            ("rip", self.rip),
            ("flags", self.rflags),
        ];
        for row in registers.chunks(4) {
            for (name, value) in row {
                write!(to, "  {name} {value:016x}")?;
            }
            writeln!(to)?;
        }
        Ok(())
    }
}

/// No call that [`ends_call`] knows is longer.
pub(crate) const LONGEST_CALL_BYTES: usize = 7;

/// Whether a call instruction ends where `before` gives the bytes before: `call rel32` or `call` through a register or
/// memory (Intel SDM volume 2, CALL).
pub(crate) fn ends_call(before: impl Fn(usize) -> u8) -> bool {
    let is_indirect = |length| before(length) == 0xff && before(length - 1) & 0x38 == 0x10;
    before(5) == 0xe8 || is_indirect(2) || is_indirect(3) || is_indirect(6)
}
