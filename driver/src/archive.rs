//! Archives of bitcode: `llvm-ar` and `llvm-ranlib` under their names for this target.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::error::{DriverError, Result};

/// Becomes `tool`, with these arguments. Its own messages and status are the result.
///
/// # Errors
/// [`DriverError::Start`].
pub fn become_tool(tool: PathBuf, arguments: Vec<OsString>) -> Result<std::convert::Infallible> {
    let source = Command::new(&tool).args(arguments).exec();
    Err(DriverError::Start { tool, source })
}
