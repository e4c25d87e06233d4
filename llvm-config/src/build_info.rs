//! What a distribution says of its build: `share/bareflow/build-info.json`.

use serde::{Deserialize, Serialize};

/// How a distribution was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildInfo {
    /// Version of LLVM, such as `18.1.8`.
    pub version: String,
    /// Target triple.
    pub target: String,
    /// CMake's build type.
    pub build_mode: String,
    /// Targets that LLVM generates code for, such as `X86`.
    pub targets: Vec<String>,
    /// Flags that C code needs to fit.
    pub c_flags: Vec<String>,
}
