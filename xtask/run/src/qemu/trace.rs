//! Which code a boot reaches: QEMU says what it translates, and it translates what is reached.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::Range;
use std::time::Duration;

use super::{Machine, QemuError, Report, Verdict, run};
use bareflow_build::process::{Input, Output, Streams};
use bareflow_build::temporary::TemporaryFolder;

/// Boots `machine` as [`boot`](super::boot) does. Each instruction at one of these addresses that QEMU has translated is
/// handed to `reached` afterwards, if the machine ran to its end. A QEMU without a disassembler names only the first
/// instruction of each block; no block is in two functions.
///
/// # Errors
/// [`QemuError`], as [`boot`](super::boot).
pub fn trace(
    machine: &Machine,
    addresses: &Range<u64>,
    timeout: Duration,
    output: impl Write + Send,
    log: impl Write + Send,
    reached: impl FnMut(u64),
) -> Result<(Verdict, Report), QemuError> {
    let folder = TemporaryFolder::new("trace")?;
    let file = folder.path().join("instructions");
    let filter = format!(
        "{:#x}+{:#x}",
        addresses.start,
        addresses.end - addresses.start
    );
    let mut arguments: Vec<OsString> = ["-d", "in_asm", "-dfilter", &filter, "-D"]
        .map(OsString::from)
        .to_vec();
    arguments.push(file.clone().into());
    let streams = Streams {
        input: Input::Empty,
        output: Output::To(output),
        errors: Output::To(log),
    };
    let found = run(machine, folder.path(), &arguments, timeout, streams)?;
    if let (Verdict::Ended(_), _) = found {
        each_address(BufReader::new(File::open(file)?), reached)?;
    }
    Ok(found)
}

/// The log has a line for each instruction: its address, a colon, its bytes, and what they mean.
fn each_address(mut log: impl BufRead, mut reached: impl FnMut(u64)) -> io::Result<()> {
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line)? > 0 {
        if let Some(address) = address_of(&line) {
            reached(address);
        }
        line.clear();
    }
    Ok(())
}

fn address_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"0x")?;
    let digits = &rest[..rest.iter().position(|byte| *byte == b':')?];
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(log: &str) -> Vec<u64> {
        let mut found = Vec::new();
        each_address(log.as_bytes(), |address| found.push(address)).unwrap();
        found
    }

    #[test]
    fn every_instruction_has_its_address() {
        let log = "\
----------------
IN: 
0x4a006809:  55                       pushq    %rbp
0x4a006844:  be bb 54 a7 4b           movl     $0x4ba754bb, %esi

----------------
IN: 
0x4a000000:  55                       pushq    %rbp
";
        assert_eq!(addresses(log), [0x4a00_6809, 0x4a00_6844, 0x4a00_0000]);
    }

    #[test]
    fn without_a_disassembler_blocks_have_addresses() {
        let log = "\
----------------
IN: 
0x4a006809:  
OBJD-T:  554889e5 4883ec20 488d45f8
OBJD-T:  c7004000

";
        assert_eq!(addresses(log), [0x4a00_6809]);
        assert_eq!(addresses("0x: \n0xzz: \n0x12\n\n"), [] as [u64; 0]);
    }
}
