//! What a program sees beside its arguments: the files and the environment of its bundle.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;

use bareflow_bundle::{Bundle, ENVIRONMENT, FILE};
use bareflow_cxx_runtime::platform::File;

/// The files and the environment of one program.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// The read-only file table.
    pub files: &'static [File],
    /// The names and values of the environment variables.
    pub variables: &'static [(&'static str, &'static CStr)],
}

impl Surroundings {
    /// Nothing.
    pub const EMPTY: Self = Self {
        files: &[],
        variables: &[],
    };

    /// Those of a bundle; none when it is not one. They live on for the rest of the run.
    #[must_use]
    pub fn of_bundle(bundle: &'static [u8]) -> Self {
        let Ok(bundle) = Bundle::open(bundle) else {
            return Self::EMPTY;
        };
        let files: Vec<File> = bundle
            .with_prefix(FILE)
            .map(|entry| File {
                path: Box::leak(format!("/{}", entry.name).into_boxed_str()),
                contents: entry.contents,
            })
            .collect();
        let variables: Vec<_> = bundle
            .with_prefix(ENVIRONMENT)
            // A value that C cannot express is one that no program can have set.
            .filter_map(|entry| Some((entry.name, CString::new(entry.contents).ok()?)))
            .map(|(name, value)| (name, &*Box::leak(value.into_boxed_c_str())))
            .collect();
        Self {
            files: files.leak(),
            variables: variables.leak(),
        }
    }

    /// The value of an environment variable.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&'static CStr> {
        self.variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}
