//! `cargo xtask image`: a disk image that boots into a program.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bareflow_bundle::{Builder, INPUT, INPUT_FILE};
use clap::Args;

use super::guest::{Guest, Wishes, open_input};
use crate::error::{Result, system};
use crate::kernel::KernelKind;
use crate::outputs::{OutputFile, Replace};

/// As one types it.
const DEFAULT_SIZE: &str = "545M";

/// Make a disk image: boot stages, the kernel with LLVM, the program, and a FAT16 partition.
#[derive(Args, Debug)]
pub struct ImageArgs {
    /// Size of the image, such as 545M or 1G; the file is sparse
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = DEFAULT_SIZE)]
    size: u64,
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "bareflow.img")]
    out: PathBuf,
    /// Replace the file even if it is a disk with snapshots
    #[arg(long)]
    force: bool,
    /// What the program reads from its standard input: the image carries it
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    #[command(flatten)]
    guest: Guest,
}

impl ImageArgs {
    /// Writes the image and prints its path.
    ///
    /// # Errors
    /// Whatever kept it from being made.
    pub fn run(self) -> Result<ExitCode> {
        let inputs = self.guest.inputs()?.into_iter().chain(self.stdin.clone());
        OutputFile::new(&self.out, "--out")?
            .other_than(inputs)?
            .replaces(Replace::from_flag(self.force))?;
        let input = self.stdin.as_deref().map(input_entry).transpose()?;
        let (bench, mut bundle) = self.guest.prepare(Wishes::default())?;
        if let Some((name, contents)) = input {
            let mut builder = Builder::of(&bundle).expect("it was just built");
            builder.add(name, &contents);
            bundle = builder.finish();
        }
        let kernel = bench
            .kernel_builder()
            .build(KernelKind::Machine, self.guest.llvm)?;
        bench.write_image(&kernel, &bundle, self.size, &self.out)?;
        say!("{}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// What the program is to read, as an entry of its bundle: a file by its path, and what a device or a pipe has.
fn input_entry(path: &Path) -> Result<(&'static str, Vec<u8>)> {
    let what = || format!("cannot read {}", path.display());
    let mut file = open_input(path)?;
    if file.metadata().map_err(system(what()))?.is_file() {
        let path = std::path::absolute(path).map_err(system(what()))?;
        return Ok((INPUT_FILE, path.into_os_string().into_encoded_bytes()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(system(what()))?;
    Ok((INPUT, bytes))
}

/// Bytes from a number with an optional K, M or G (powers of 1024).
pub fn parse_size(text: &str) -> std::result::Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("{text} is no size; write for example 545M"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::DEFAULT_SIZE_BYTES;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size(DEFAULT_SIZE), Ok(DEFAULT_SIZE_BYTES));
        assert_eq!(parse_size("1g"), Ok(1 << 30));
        assert_eq!(parse_size("4096"), Ok(4096));
        for bad in ["", "M", "-1M", "1.5G", "99999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
