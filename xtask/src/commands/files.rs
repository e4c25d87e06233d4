//! The files that come with a program.

use std::path::PathBuf;

use clap::Args;

use bareflow_image::error::{Error, Result};
use bareflow_image::program::{ProgramFile, merge};

/// Which files come with a program.
#[derive(Args, Debug, Default)]
pub struct FileArgs {
    /// A file for the program, by its own name in / or as GUEST; may be repeated
    #[arg(long = "file", value_name = "HOST[:GUEST]")]
    file: Vec<String>,
    /// A folder whose files are the program's, from / on
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

impl FileArgs {
    /// These files, and those of the project.
    ///
    /// # Errors
    /// [`Error::Usage`]: which one cannot come along, and why.
    pub fn files(&self, of_project: &[ProgramFile]) -> Result<Vec<ProgramFile>> {
        self.collect(of_project)
    }

    /// Where these files are.
    ///
    /// # Errors
    /// As [`FileArgs::files`].
    pub fn inputs(&self) -> Result<impl Iterator<Item = PathBuf>> {
        Ok(self.collect(&[])?.into_iter().map(|file| file.path))
    }

    fn collect(&self, of_project: &[ProgramFile]) -> Result<Vec<ProgramFile>> {
        let collect = || {
            let mut files = of_project.to_vec();
            if let Some(root) = &self.root {
                files.extend(ProgramFile::below(root)?);
            }
            for text in &self.file {
                files.push(ProgramFile::parse(text)?);
            }
            merge(files)
        };
        collect().map_err(|error| Error::usage(error.to_string()))
    }
}
