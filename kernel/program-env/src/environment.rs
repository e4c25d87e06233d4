//! What a program sees beside its arguments: the files, the environment and the input of its bundle.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::{CStr, c_int};

use bareflow_bundle::{
    ARGUMENT, Bundle, ENVIRONMENT, FILE, HOST_FILE, HOST_INPUT, INPUT, STORED_FILE, STORED_INPUT,
    TERMINALS,
};
use bareflow_cxx_runtime::platform::{File, FileContents};

use crate::FileRegion;
use crate::stored::StoredFile;

/// The files, the environment and the input of one program.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    /// The read-only file table.
    pub files: &'static [File],
    /// The names and values of the environment variables.
    pub variables: &'static [(&'static str, &'static CStr)],
    /// All of its standard input; `None` if the machine's own is read.
    pub input: Option<FileContents>,
    terminals: &'static [u8],
}

impl Environment {
    /// Nothing.
    pub const EMPTY: Self = Self {
        files: &[],
        variables: &[],
        input: None,
        terminals: &[],
    };

    /// Those of a bundle under an overlay, with files in a region beside it; none when it is not one. They live on for
    /// the rest of the run.
    #[must_use]
    pub fn of_bundle(
        bundle: &'static [u8],
        overlay: &'static [u8],
        region: &'static dyn FileRegion,
    ) -> Self {
        Self::of_layers(bundle, overlay, |kind, path, contents| {
            let is_stored = matches!(kind, STORED_FILE | STORED_INPUT);
            let file = is_stored.then(|| StoredFile::new(path, contents, region))??;
            Some(FileContents::Elsewhere(Box::leak(Box::new(file))))
        })
    }

    /// Those of a bundle, with files that are read from their paths on the host; those that `read` has not are left
    /// out.
    #[must_use]
    pub fn with_host_files(
        bundle: &'static [u8],
        mut read: impl FnMut(&CStr) -> Option<&'static [u8]>,
    ) -> Self {
        Self::of_layers(bundle, &[], |kind, _, contents| {
            let path = (kind == HOST_FILE).then(|| CString::new(contents).ok())??;
            read(&path).map(FileContents::Memory)
        })
    }

    fn of_layers(
        bundle: &'static [u8],
        overlay: &'static [u8],
        mut find: impl FnMut(&str, &'static str, &'static [u8]) -> Option<FileContents>,
    ) -> Self {
        let Ok(bundle) = Bundle::open(bundle) else {
            return Self::EMPTY;
        };
        let mut files: Vec<File> = Vec::new();
        for prefix in [FILE, HOST_FILE, STORED_FILE] {
            files.extend(bundle.with_prefix(prefix).filter_map(|entry| {
                let path = Box::leak(format!("/{}", entry.name).into_boxed_str());
                let contents = if prefix == FILE {
                    FileContents::Memory(entry.contents)
                } else {
                    find(prefix, path, entry.contents)?
                };
                Some(File { path, contents })
            }));
        }
        // What is found first counts.
        let layers = || Bundle::open(overlay).ok().into_iter().chain([bundle]);
        let variables = layers()
            .flat_map(|layer| layer.with_prefix(ENVIRONMENT))
            // A value that C cannot express is one that no program can have set.
            .filter_map(|entry| Some((entry.name, CString::new(entry.contents).ok()?)))
            .map(|(name, value)| (name, &*Box::leak(value.into_boxed_c_str())))
            .fold(Vec::new(), |mut known: Vec<(&str, &CStr)>, variable| {
                if known.iter().all(|(name, _)| *name != variable.0) {
                    known.push(variable);
                }
                known
            });
        let input = layers()
            .flat_map(|layer| layer.entries())
            .find(|entry| matches!(entry.name, INPUT | STORED_INPUT | HOST_INPUT))
            .and_then(|entry| match entry.name {
                INPUT => Some(FileContents::Memory(entry.contents)),
                STORED_INPUT => find(STORED_INPUT, "standard input", entry.contents),
                _ => None,
            });
        Self {
            files: files.leak(),
            variables: variables.leak(),
            input,
            terminals: layers()
                .flat_map(|layer| layer.entries())
                .find(|entry| entry.name == TERMINALS)
                .map_or(&[], |entry| entry.contents),
        }
    }

    /// Whether somebody sits at the other end of a standard descriptor.
    #[must_use]
    pub fn is_terminal(&self, descriptor: c_int) -> bool {
        u8::try_from(descriptor).is_ok_and(|number| self.terminals.contains(&number))
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

/// The program's arguments: those of the bundle, or, behind the program's name, those of an overlay that has some.
pub fn arguments_of<'a>(
    bundle: &Bundle<'a>,
    overlay: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let arguments = |bundle: Bundle<'a>| {
        let entries = bundle.entries().filter(|entry| entry.name == ARGUMENT);
        entries.map(|entry| entry.contents)
    };
    let others: Vec<&[u8]> =
        Bundle::open(overlay).map_or(Vec::new(), |overlay| arguments(overlay).collect());
    let kept = if others.is_empty() { usize::MAX } else { 1 };
    arguments(*bundle).take(kept).chain(others)
}
