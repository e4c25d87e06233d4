//! The folder of headers and libraries that programs are built with.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::{DriverError, Result};
use crate::flags::Headers;

/// Names the folder where it is not the one that the driver lies in.
pub const SDK_VARIABLE: &str = "BAREFLOW_SDK";

/// Headers and libraries of programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sdk {
    /// Where it is.
    pub root: PathBuf,
    /// The headers.
    pub headers: Headers,
    /// Where `libc++.a` and the like are.
    pub libraries: PathBuf,
}

impl Sdk {
    /// The one in this folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        let include = root.join("include");
        Self {
            root: root.into(),
            headers: Headers {
                c: ["program", "bareflow/c", "bareflow/libc"]
                    .map(|folder| include.join(folder))
                    .into(),
                cxx: vec![include.join("c++/v1")],
            },
            libraries: root.join("lib"),
        }
    }

    /// The one that the variable names, or that the driver lies in.
    ///
    /// # Errors
    /// That there are no headers in the folder.
    pub fn find() -> Result<Self> {
        let chosen = env::var_os(SDK_VARIABLE).map(PathBuf::from);
        let own = || {
            let executable = env::current_exe().ok()?.canonicalize().ok()?;
            Some(executable.parent()?.parent()?.to_owned())
        };
        let root = chosen.or_else(own).unwrap_or_default();
        let sdk = Self::at(&root);
        if sdk.headers.c.last().is_some_and(|folder| folder.is_dir()) {
            return Ok(sdk);
        }
        Err(DriverError::Usage(format!(
            "{}: no SDK of BareFlow is here; {SDK_VARIABLE} names its folder, and `cargo xtask path` prints that of \
             its programs",
            root.display()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_own_headers_come_first() {
        let sdk = Sdk::at(Path::new("/sdk"));
        assert_eq!(sdk.headers.c[0], Path::new("/sdk/include/program"));
        assert_eq!(sdk.headers.c[2], Path::new("/sdk/include/bareflow/libc"));
        assert_eq!(sdk.libraries, Path::new("/sdk/lib"));
    }
}
