//! What the boot stages tell the kernel beside what the PVH boot protocol has a place for.

/// Names of modules.
pub mod module {
    /// The program's bundle.
    pub const BUNDLE: &str = "bundle";
    /// The first sector of the boot partition, if the machine was started from one: LLVM and the files are there.
    pub const HEADER: &str = "header";
    /// LLVM with its table, if the loader has brought it.
    pub const LLVM: &str = "llvm";
    /// The program's files that are not in the bundle, if the loader has brought them.
    pub const FILES: &str = "files";
}

/// What the command line of stage 2 begins with: the BIOS's number of the drive follows, in decimal.
pub const DRIVE: &str = "drive=";
