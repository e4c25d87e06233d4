//! The headers that llvm-libc's generator makes.

use std::fs;

use super::Build;
use crate::error::{Error, Result, system};
use crate::llvm::trees::{copy_changed, copy_if_changed, remove_extra, tool};
use crate::shell::{display, shell};
use crate::temporary::TemporaryFolder;

/// Lists of functions and of headers, in the sysroot.
const FUNCTIONS: &str = "libc/declared-functions.txt";
const HEADERS: &str = "libc/generated-headers.txt";

/// What of the sysroot the step reads.
pub(super) const READS: &[&str] = &[FUNCTIONS, HEADERS];

impl Build<'_> {
    pub(super) fn headers(&self) -> Result<()> {
        let libc = self.trees.source.join("libc");
        let read_list = |name: &str| -> Result<Vec<String>> {
            let text = shell()?.read_file(self.sysroot_input().join(name))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        let functions = read_list(FUNCTIONS)?;
        let generated = TemporaryFolder::new("headers")?;
        for header in read_list(HEADERS)? {
            let output = generated.path().join(&header);
            if let Some(folder) = output.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut command = tool(self.native_tool("libc-hdrgen"));
            command
                .arg("-o")
                .arg(&output)
                .args(["--header", &header, "--def"])
                .arg(libc.join("include").join(format!("{header}.def")))
                .arg("-I")
                .arg(&libc)
                .args(functions.iter().map(|function| format!("--e={function}")))
                .arg(libc.join("config/linux/api.td"));
            let result = command.output().map_err(system("cannot run libc-hdrgen"))?;
            if !result.status.success() {
                return Err(Error::Build(format!(
                    "{}\n  failed: {}",
                    display(&command),
                    String::from_utf8_lossy(&result.stderr)
                )));
            }
        }
        let include = libc.join("include");
        for folder in ["llvm-libc-types", "llvm-libc-macros"] {
            copy_changed(&include.join(folder), &generated.path().join(folder))?;
        }
        let common = "__llvm-libc-common.h";
        copy_if_changed(&include.join(common), &generated.path().join(common))?;
        remove_extra(&self.libc_headers(), generated.path())?;
        copy_changed(generated.path(), &self.libc_headers())?;
        Ok(())
    }
}
