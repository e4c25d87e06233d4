//! Runs kernels: the machine's in QEMU, and the hosted one as a process. A timeout, a signal, a kernel that gave up and a
//! program that failed are different results.

pub mod launch;
pub mod qemu;
pub mod say;
