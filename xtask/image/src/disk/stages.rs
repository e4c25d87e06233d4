//! The boot stages, assembled and linked to flat bytes.

use std::io;
use std::path::Path;

use bareflow_boot_layout::{STAGE1_LIMIT_BYTES, STAGE2_MARK, STAGE2_SIZE_BYTES, assembler};
use bareflow_build::shell::shell;
use bareflow_targets::Target;
use xshell::{Cmd, cmd};

use bareflow_build::remembered::{States, Store, files_below};
use bareflow_build::temporary::TemporaryFolder;

/// Below the repository.
const SOURCES: &str = "kernel/machine/src/boot";

/// Why there are no boot stages.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// There is no temporary folder.
    #[error("cannot make a temporary folder: {0}")]
    TemporaryFolder(io::Error),
    /// A tool cannot be started, or a file cannot be used.
    #[error(transparent)]
    Shell(#[from] xshell::Error),
    /// No firmware of the target's starts anything by boot stages.
    #[error("{0} has no boot stages")]
    NoStages(&'static str),
    /// A tool refused its input.
    #[error("{name} does not assemble; the command was:\n  {command}\n{output}")]
    Tool {
        /// The stage.
        name: &'static str,
        /// The command.
        command: String,
        /// What it said.
        output: String,
    },
    /// A stage has the wrong size or lacks its mark.
    #[error("{name} is {size_bytes} bytes long: {expected}")]
    Size {
        /// The stage.
        name: &'static str,
        /// What it has.
        size_bytes: usize,
        /// What it should have.
        expected: String,
    },
}

/// Stages 1 and 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootStages {
    /// The code of the master boot record.
    pub stage1: Vec<u8>,
    /// The eight sectors behind it.
    pub stage2: Vec<u8>,
}

impl BootStages {
    /// The stages of the repository at `root`, assembled if they or the tools have changed since they were last.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn remembered(
        answers: &Store,
        root: &Path,
        target: &Target,
        clang: &Path,
        lld: &Path,
    ) -> Result<Self, StageError> {
        let mut states = States::default();
        states
            .word("boot stages")
            .word(target.triple)
            .word(assembler::definitions())
            .program(clang)
            .program(lld);
        let sources = root.join(SOURCES);
        for path in files_below([sources.as_path()]) {
            states.file_if_there(&path);
        }
        let stages = answers.get_or_make(&states.key(), || {
            let stages = Self::assemble(root, target, clang, lld)?;
            Ok::<_, StageError>([stages.stage2, stages.stage1].concat())
        })?;
        let (stage2, stage1) = stages.split_at(STAGE2_SIZE_BYTES);
        Ok(Self {
            stage1: stage1.to_vec(),
            stage2: stage2.to_vec(),
        })
    }

    /// Assembles the stages of the repository at `root`.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn assemble(
        root: &Path,
        target: &Target,
        clang: &Path,
        lld: &Path,
    ) -> Result<Self, StageError> {
        let made_for = target
            .boot_stages()
            .ok_or(StageError::NoStages(target.triple))?;
        let (triple, emulation) = (made_for.triple, made_for.elf_emulation);
        let folder = TemporaryFolder::new("stages").map_err(StageError::TemporaryFolder)?;
        let includes = folder.path();
        let sh = shell()?;
        let sources = root.join(SOURCES);
        sh.write_file(
            includes.join(assembler::FILE_NAME),
            assembler::definitions(),
        )?;
        let build = |name: &'static str, address: &str| -> Result<Vec<u8>, StageError> {
            let object = folder.path().join(format!("{name}.o"));
            let flat = folder.path().join(name);
            let source = sources.join(format!("bios/{name}.S"));
            let assemble = cmd!(
                sh,
                "{clang} --target={triple} -c -I {sources} -I {includes} {source} -o {object}"
            );
            run(name, assemble)?;
            let link = cmd!(
                sh,
                "{lld} -m {emulation} --oformat binary -e {name} -Ttext {address} {object} -o {flat}"
            );
            run(name, link)?;
            Ok(sh.read_binary_file(flat)?)
        };
        let mut stages = Self {
            stage1: build("stage1", "0x7c00")?,
            stage2: build("stage2", "0x7e00")?,
        };
        stages.check()?;
        balance(&mut stages.stage2);
        Ok(stages)
    }

    fn check(&self) -> Result<(), StageError> {
        if self.stage1.len() > STAGE1_LIMIT_BYTES {
            return Err(StageError::Size {
                name: "stage1",
                size_bytes: self.stage1.len(),
                expected: format!("at most {STAGE1_LIMIT_BYTES} fit"),
            });
        }
        if self.stage2.len() != STAGE2_SIZE_BYTES || !self.stage2.ends_with(&STAGE2_MARK) {
            return Err(StageError::Size {
                name: "stage2",
                size_bytes: self.stage2.len(),
                expected: format!("{STAGE2_SIZE_BYTES} with a mark at the end are expected"),
            });
        }
        Ok(())
    }
}

/// Has the sum of the words of stage 2, rotated by one bit before each, be zero, as stage 1 wants it: the word before
/// the mark makes it so.
fn balance(stage2: &mut [u8]) {
    let place = stage2.len() - 2 * STAGE2_MARK.len();
    let (words, _) = stage2[..place].as_chunks();
    let sum = words.iter().fold(0_u32, |sum, word| {
        sum.rotate_left(1).wrapping_add(u32::from_le_bytes(*word))
    });
    let before_mark = u32::from_le_bytes(STAGE2_MARK)
        .wrapping_neg()
        .rotate_right(1);
    let word = before_mark.wrapping_sub(sum.rotate_left(1));
    stage2[place..place + 4].copy_from_slice(&word.to_le_bytes());
}

fn run(name: &'static str, command: Cmd) -> Result<(), StageError> {
    let command = command.ignore_status();
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(StageError::Tool {
        name,
        command: command.to_string(),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_2_is_balanced() {
        let mut stage2: Vec<u8> = (0..STAGE2_SIZE_BYTES)
            .map(|place| (place * 7) as u8)
            .collect();
        let mark = stage2.len() - STAGE2_MARK.len();
        stage2[mark..].copy_from_slice(&STAGE2_MARK);
        balance(&mut stage2);
        let (words, _) = stage2.as_chunks();
        let sum = words.iter().fold(0_u32, |sum, word| {
            sum.rotate_left(1).wrapping_add(u32::from_le_bytes(*word))
        });
        assert_eq!(sum, 0);
        assert!(stage2.ends_with(&STAGE2_MARK));
    }
}
