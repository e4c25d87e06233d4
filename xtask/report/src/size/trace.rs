//! The functions of LLVM that run in a boot.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::time::Duration;

use super::link_map::Kind;
use super::linked::{Function, LinkedKernel};
use bareflow_build::process::Recorder;
use bareflow_image::context::Context;
use bareflow_image::disk::ImageFile;
use bareflow_image::error::{Error, Result};
use bareflow_run::launch::LaunchError;
use bareflow_run::qemu::{
    self, Boot, Console, DEFAULT_MEMORY_MIB, Drive, Machine, Processors, Verdict, Writes,
};

/// A boot that is traced takes about twice its time.
const TIMEOUT: Duration = Duration::from_secs(1200);
const LOG_LIMIT_BYTES: usize = 1 << 16;
/// Begins the line that says why a program did not come to its own end.
const FAILURE: &str = "bareflow: error: ";

/// Boots the image, which has this kernel; returns the addresses of LLVM's functions that ran.
///
/// # Errors
/// That the boot failed, and why.
pub fn run(
    image: &ImageFile,
    kernel: &LinkedKernel,
    context: &Context,
    writes: Writes,
) -> Result<BTreeSet<u64>> {
    let machine = Machine {
        qemu: context.tools.qemu.clone(),
        memory_mib: DEFAULT_MEMORY_MIB,
        processors: Processors::default(),
        counts_instructions: false,
        console: Console::default(),
        boot: Boot::Disk(Drive {
            writes,
            ..Drive::new(&image.path)
        }),
    };
    let functions = kernel.llvm_functions();
    let mut ran = Ran::new(&functions);
    let log = Recorder::new(LOG_LIMIT_BYTES, io::sink());
    let (verdict, _) = qemu::trace(
        &machine,
        &code(kernel),
        TIMEOUT,
        io::sink(),
        log.clone(),
        |address| ran.add(address),
    )
    .map_err(LaunchError::from)?;
    let log = log.bytes();
    let log = String::from_utf8_lossy(&log);
    let has_failed = log.lines().any(|line| line.starts_with(FAILURE));
    match verdict {
        Verdict::Ended(_) if !has_failed => Ok(ran.addresses),
        _ => Err(Error::build(format!(
            "the boot of {} that was traced failed: {verdict}\n{log}",
            image.path.display()
        ))),
    }
}

/// Where LLVM's code lies.
fn code(kernel: &LinkedKernel) -> Range<u64> {
    let code = || {
        kernel
            .llvm()
            .filter(|placement| placement.kind == Kind::Text)
    };
    let start = code().map(|placement| placement.addresses().start).min();
    let end = code().map(|placement| placement.addresses().end).max();
    start.unwrap_or(0)..end.unwrap_or(0)
}

/// Functions that ran.
struct Ran<'a> {
    functions: &'a [Function<'a>],
    addresses: BTreeSet<u64>,
    /// The function of the instruction before: most follow one of the same.
    last: Range<u64>,
}

impl<'a> Ran<'a> {
    /// None of these, which are in the order of their addresses.
    fn new(functions: &'a [Function<'a>]) -> Self {
        Self {
            functions,
            addresses: BTreeSet::new(),
            last: 0..0,
        }
    }

    /// Adds the function that has the instruction at this address.
    fn add(&mut self, address: u64) {
        if self.last.contains(&address) {
            return;
        }
        let behind = self
            .functions
            .partition_point(|function| function.address <= address);
        let function = behind.checked_sub(1).map(|index| self.functions[index]);
        let found = function.filter(|function| function.addresses().contains(&address));
        if let Some(function) = found {
            self.addresses.insert(function.address);
            self.last = function.addresses();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_run_where_their_instructions_do() {
        let function = |address, bytes| Function {
            address,
            bytes,
            name: "f",
            library: "l",
        };
        let functions = [function(100, 10), function(110, 10), function(200, 50)];
        let mut ran = Ran::new(&functions);
        for address in [50, 119, 117, 120, 199, 200, 249, 250, 500] {
            ran.add(address);
        }
        assert_eq!(ran.addresses, BTreeSet::from([110, 200]));
    }
}
