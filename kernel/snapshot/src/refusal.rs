//! Why a snapshot is not used.

use core::fmt;

use bareflow_volume::VolumeError;

/// For what a snapshot was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The kernel.
    Kernel,
    /// The program.
    Program,
    /// The processor and its features.
    Processor,
    /// The version of LLVM.
    Llvm,
    /// The settings.
    Configuration,
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Self::Kernel => "another kernel",
            Self::Program => "another program",
            Self::Processor => "another processor",
            Self::Llvm => "another version of LLVM",
            Self::Configuration => "other settings",
        }
    }
}

/// Why a snapshot is not used. The message is one line without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The file cannot be read.
    Unreadable(VolumeError),
    /// It has so many bytes, more than any snapshot.
    TooLarge(u64),
    /// It does not begin as snapshots do.
    NotASnapshot,
    /// It has a layout of another version.
    OtherVersion(u16),
    /// It is shorter or longer than it says.
    WrongSize {
        /// How long it says that it is, in bytes; at least what every snapshot has.
        declared_bytes: u64,
        /// How long it is, in bytes.
        actual_bytes: u64,
    },
    /// Its checksum is wrong: something has changed since it was written.
    WrongChecksum,
    /// It is not authenticated, and the image demands it.
    NotAuthenticated,
    /// It was written by a machine that does not know the secret, or changed by one.
    WrongAuthentication,
    /// Its levels of native code are others than there are here.
    OtherLevels,
    /// It contradicts itself, although its checksum is right.
    Malformed(&'static str),
    /// It was made for something else.
    MadeForOther(Key),
}

impl From<VolumeError> for Refusal {
    fn from(error: VolumeError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(formatter, "it cannot be read: {error}"),
            Self::TooLarge(size) => {
                write!(formatter, "it has {size} bytes, more than any snapshot")
            }
            Self::NotASnapshot => formatter.write_str("it is not a snapshot"),
            Self::OtherVersion(version) => {
                write!(formatter, "it has version {version} of the layout")
            }
            Self::WrongSize {
                declared_bytes,
                actual_bytes,
            } => write!(
                formatter,
                "it has {actual_bytes} bytes instead of {declared_bytes}"
            ),
            Self::WrongChecksum => formatter.write_str("its checksum is wrong"),
            Self::NotAuthenticated => {
                formatter.write_str("it is not authenticated, and this image demands it")
            }
            Self::WrongAuthentication => {
                formatter.write_str("it was not written with this image's secret")
            }
            Self::OtherLevels => {
                formatter.write_str("its levels of native code are not those of this release")
            }
            Self::Malformed(what) => write!(formatter, "it is malformed: {what}"),
            Self::MadeForOther(key) => write!(formatter, "it was made for {}", key.name()),
        }
    }
}

impl core::error::Error for Refusal {}
