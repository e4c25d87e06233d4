//! Why a run, or a command of the host, did not come to its own end: `docs/src/reference/exit-codes.md` explains each.

/// Something could not be built.
pub const BUILD_FAILED: u8 = 100;
/// A tool is missing.
pub const TOOL_MISSING: u8 = 101;
/// There is no space left on the disk, also on the one that standard output goes to.
pub const DISK_FULL: u8 = 102;
/// A file has other contents than it should have.
pub const WRONG_HASH: u8 = 103;
/// There is no network.
pub const NO_NETWORK: u8 = 104;
/// The command line or the configuration is wrong, or a file that it names cannot be read.
pub const USAGE: u8 = 105;
/// Standard output cannot be written.
pub const OUTPUT_LOST: u8 = 106;
/// Malformed IR, newer bitcode, another target, no `main`, unresolved symbols.
pub const BAD_PROGRAM: u8 = 110;
/// A processor exception in the program, or one that nobody could report.
pub const GUEST_FAULT: u8 = 111;
/// There is not enough memory.
pub const OUT_OF_MEMORY: u8 = 112;
/// The time was up.
pub const TIMEOUT: u8 = 113;
/// The program called `abort`, or an assertion failed.
pub const ABORTED: u8 = 114;
/// The machine did not start.
pub const BOOT_FAILURE: u8 = 115;
/// The kernel or the engine failed, or ended without saying how.
pub const INTERNAL: u8 = 116;
/// Nobody reads standard output any more: what shells show for SIGPIPE.
pub const BROKEN_PIPE: u8 = 141;

/// All of them.
pub const ALL: [u8; 15] = [
    BUILD_FAILED,
    TOOL_MISSING,
    DISK_FULL,
    WRONG_HASH,
    NO_NETWORK,
    USAGE,
    OUTPUT_LOST,
    BAD_PROGRAM,
    GUEST_FAULT,
    OUT_OF_MEMORY,
    TIMEOUT,
    ABORTED,
    BOOT_FAILURE,
    INTERNAL,
    BROKEN_PIPE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_each_code_once() {
        let reference = include_str!("../../../docs/src/reference/exit-codes.md");
        let rows = reference.lines().filter_map(|line| {
            let code = line.strip_prefix("| ")?.split(' ').next()?;
            code.parse::<u8>().ok()
        });
        assert_eq!(rows.collect::<Vec<u8>>(), ALL);
    }
}
