//! What lies beside an archive: its hash, and what others say of it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Result, system};
use crate::llvm::inputs::file_hash;
use crate::shell::write_whole;

/// Added to an archive's name: its SHA-256, as `sha256sum` writes and checks it.
pub const SHA256: &str = ".sha256";

/// Added to the name of a file that is signed.
pub const SIGNATURE: &str = ".minisig";
/// Added to an archive's name: the list of its parts.
pub const SBOM: &str = ".spdx.json";
/// Added to an archive's name: where it comes from.
pub const PROVENANCE: &str = ".intoto.jsonl";

/// Every addition.
pub const ALL: &[&str] = &[SHA256, SIGNATURE, SBOM, PROVENANCE];

/// Of these, what is needed where an archive is restored.
pub const RESTORED: &[&str] = &[SHA256, ".minisig"];

/// What archives end in.
pub const ARCHIVE: &str = ".tar.zst";

/// The file beside another with this added to its name.
pub fn beside(path: &Path, addition: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(addition);
    name.into()
}

/// Writes the hash of an archive beside it.
///
/// # Errors
/// When the one cannot be read or the other cannot be written.
pub fn write_sha256(archive: &Path) -> Result<()> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let line = format!("{}  {name}\n", file_hash(archive)?);
    write_whole(&beside(archive, SHA256), line.as_bytes())
}

/// The hash that lies beside an archive; `None` if there is none.
///
/// # Errors
/// In words, that what is there is no such hash, or that of another file.
pub fn recorded_sha256(archive: &Path) -> std::result::Result<Option<String>, String> {
    let path = beside(archive, SHA256);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} is unreadable: {error}", path.display())),
    };
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    parse_sha256(&text, &name)
        .map(Some)
        .ok_or_else(|| format!("{} is not the SHA-256 of {name}", path.display()))
}

/// The hash in a line of `sha256sum`, if it is of the file with this name.
fn parse_sha256(text: &str, name: &str) -> Option<String> {
    let (hash, file) = text.strip_suffix('\n')?.split_once(' ')?;
    let file = file.strip_prefix([' ', '*'])?;
    let is_hash = hash.len() == 64
        && hash
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hash && file == name).then(|| hash.to_owned())
}

/// Removes everything that lies beside an archive, which is about to change.
///
/// # Errors
/// When something cannot be removed.
pub fn remove_all(archive: &Path) -> Result<()> {
    for addition in ALL {
        let path = beside(archive, addition);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(system(format!("cannot remove {}", path.display()))(error));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_sha256sum_writes_them() {
        let hash = "0".repeat(64);
        assert_eq!(
            parse_sha256(&format!("{hash}  a.tar.zst\n"), "a.tar.zst"),
            Some(hash.clone())
        );
        assert_eq!(
            parse_sha256(&format!("{hash} *a\n"), "a"),
            Some(hash.clone())
        );
        for text in [
            format!("{hash}  b\n"),
            format!("{hash}  a"),
            format!("{hash} a\n"),
            format!("{hash}\n"),
            format!("{}  a\n", &hash[1..]),
            format!("{}G  a\n", &hash[1..]),
            format!("{}A  a\n", &hash[1..]),
            String::new(),
        ] {
            assert_eq!(parse_sha256(&text, "a"), None, "{text:?}");
        }
    }
}
