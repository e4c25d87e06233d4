//! What a program sees beside its arguments: the files and the environment of its bundle.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;

use bareflow_bundle::{Bundle, ENVIRONMENT, FILE, HOST_FILE};
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
        Self::with_host_files(bundle, |_| None)
    }

    /// As [`Surroundings::of_bundle`], with files that are read from their paths on the host; those that `read` has not
    /// are left out.
    #[must_use]
    pub fn with_host_files(
        bundle: &'static [u8],
        mut read: impl FnMut(&CStr) -> Option<&'static [u8]>,
    ) -> Self {
        let Ok(bundle) = Bundle::open(bundle) else {
            return Self::EMPTY;
        };
        let file = |name: &str, contents| File {
            path: Box::leak(format!("/{name}").into_boxed_str()),
            contents,
        };
        let mut files: Vec<File> = bundle
            .with_prefix(FILE)
            .map(|entry| file(entry.name, entry.contents))
            .collect();
        files.extend(bundle.with_prefix(HOST_FILE).filter_map(|entry| {
            let path = CString::new(entry.contents).ok()?;
            Some(file(entry.name, read(&path)?))
        }));
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
