//! Starting a program in the hosted kernel: `bareflow-run PROGRAM [ARGUMENT...]`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use bareflow_bundle::{ARGUMENT, Builder, MODULE};

use crate::error::{DriverError, Result, reading, system};
use crate::input::{Contents, check_linkable};

/// Names the hosted kernel.
pub const KERNEL_VARIABLE: &str = "BAREFLOW_KERNEL";

/// A program that a signal ended, as shells put it.
const KILLED: i32 = 128;

/// Runs a program in the hosted kernel, and returns its status.
///
/// # Errors
/// What kept it from being started.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> Result<u8> {
    let kernel = env::var_os(KERNEL_VARIABLE).ok_or_else(|| {
        DriverError::Usage(format!(
            "{KERNEL_VARIABLE} does not name the hosted kernel; `cargo xtask path --kernel` prints where it is"
        ))
    })?;
    let program = arguments.next().map(PathBuf::from).ok_or_else(|| {
        DriverError::Usage("no program was named: bareflow-run PROGRAM [ARGUMENT...]".to_owned())
    })?;
    let bundle = bundle(&program, arguments)?;
    let made = || -> std::io::Result<fs::File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&bundle)?;
        Ok(file)
    };
    let file = made().map_err(system("cannot write a temporary file".to_owned()))?;
    // The file has no name, so that nothing is left of it: the kernel opens it among this process's.
    let path = format!("/proc/{}/fd/{}", process::id(), file.as_raw_fd());
    let status = Command::new(&kernel)
        .arg(path)
        .status()
        .map_err(|source| DriverError::Start {
            tool: kernel.into(),
            source,
        })?;
    let code = status
        .code()
        .unwrap_or_else(|| KILLED + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

fn bundle(program: &Path, arguments: impl Iterator<Item = OsString>) -> Result<Vec<u8>> {
    if check_linkable(program)? != Contents::Bitcode {
        return Err(DriverError::Input(format!(
            "{}: an archive, not a program",
            program.display()
        )));
    }
    let name = program
        .file_stem()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let mut builder = Builder::default();
    builder.add(ARGUMENT, name.as_bytes());
    for argument in arguments {
        builder.add(ARGUMENT, argument.as_encoded_bytes());
    }
    let bytes = fs::read(program).map_err(reading(program))?;
    builder.add(&format!("{MODULE}{name}.bc"), &bytes);
    Ok(builder.finish())
}
