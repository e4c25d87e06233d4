//! The compiler cache: what was compiled before is not compiled again, here or on other machines.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::paths::Cache;
use crate::tools::Tools;

/// Where other machines find what this one has compiled, as ccache writes it: `http://host/folder`, `redis://host`.
const SHARED_VARIABLE: &str = "BAREFLOW_COMPILER_CACHE";

/// A compiler cache: ccache.
#[derive(Clone, Debug)]
pub struct CompilerCache {
    /// ccache.
    pub program: PathBuf,
    /// Where it keeps its results.
    pub folder: PathBuf,
    /// A server that has them too, with ccache's attributes of it.
    pub shared: Option<OsString>,
}

impl CompilerCache {
    /// The cache of this user, with the server that `BAREFLOW_COMPILER_CACHE` names; none, if ccache is not there.
    pub fn find(tools: &Tools, cache: &Cache) -> Option<Self> {
        Some(Self {
            program: tools.ccache.clone()?,
            folder: cache.root().join("ccache"),
            shared: env::var_os(SHARED_VARIABLE).filter(|address| !address.is_empty()),
        })
    }

    /// What tells ccache so. What it is told of precompiled headers and times is what their compilation allows: the headers
    /// are the same when their contents are.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(_, OsString)> = vec![
            ("CCACHE_DIR", self.folder.clone().into()),
            (
                "CCACHE_SLOPPINESS",
                "pch_defines,time_macros,include_file_mtime,include_file_ctime".into(),
            ),
            ("CCACHE_NOHASHDIR", "1".into()),
            ("CCACHE_MAXSIZE", "5G".into()),
        ];
        if let Some(address) = &self.shared {
            // Before version 4.7 it had the other name.
            for name in ["CCACHE_REMOTE_STORAGE", "CCACHE_SECONDARY_STORAGE"] {
                variables.push((name, address.clone()));
            }
        }
        variables
    }
}
