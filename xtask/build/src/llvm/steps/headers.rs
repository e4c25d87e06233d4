//! The headers that llvm-libc's generator makes.

use std::fs;

use xshell::cmd;

use super::Build;
use crate::error::Result;
use crate::llvm::trees::{cleaned, copy_changed, copy_if_changed, remove_extra};
use crate::shell::{Log, shell};
use crate::temporary::TemporaryFolder;

/// Lists of functions and of headers, in the sysroot.
const FUNCTIONS: &str = "libc/declared-functions.txt";
const HEADERS: &str = "libc/generated-headers.txt";

/// What of the sysroot the step reads.
pub(super) const READS: &[&str] = &[FUNCTIONS, HEADERS];

impl Build<'_> {
    pub(super) fn headers(&self, log: &Log) -> Result<()> {
        let sh = shell()?;
        let libc = self.trees.source.join("libc");
        let table = libc.join("config/linux/api.td");
        let generator = self.native_tool("libc-hdrgen");
        let read_list = |name: &str| -> Result<Vec<String>> {
            let text = sh.read_file(self.sysroot_input().join(name))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        let functions: Vec<String> = read_list(FUNCTIONS)?
            .iter()
            .map(|function| format!("--e={function}"))
            .collect();
        let generated = TemporaryFolder::new("headers")?;
        let functions = &functions;
        for header in read_list(HEADERS)? {
            let output = generated.path().join(&header);
            if let Some(folder) = output.parent() {
                fs::create_dir_all(folder)?;
            }
            let definitions = libc.join("include").join(format!("{header}.def"));
            log.run_cmd(cleaned(cmd!(
                sh,
                "{generator} -o {output} --header {header} --def {definitions} -I {libc} {functions...} {table}"
            )))?;
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
