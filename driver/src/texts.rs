//! Texts in programs, for tools that look for them without knowing bitcode.
//!
//! CMake compiles programs with texts such as `INFO:size[8]` and searches the files for them, to learn what it would
//! else have to run. Bitcode packs characters into 7 or 8 bits wherever they happen to fall, so the texts are put
//! behind it: in the wrapper that LLVM reads, what lies behind the bitcode does not count
//! (<https://releases.llvm.org/18.1.8/docs/BitCodeFormat.html#bitcode-wrapper-format>).

use std::fs;
use std::path::Path;
use std::process::Command;

use bareflow_protocol::exit_code::BUILD_FAILED;

use crate::compile::run;
use crate::error::{DriverError, Result, reading, system};
use crate::flags::target_option;

/// Starts every such text.
const START: &[u8] = b"INFO:";
/// Ends it.
const END: u8 = b']';

const WRAPPER_MAGIC: u32 = 0x0B17_C0DE;
const WRAPPER_BYTES: u32 = 20;
const WORD_BYTES: usize = 4;
const X86_64: u32 = 0x0100_0007;

/// Whether a program with this symbol may have such texts: CMake's programs call the variables so.
pub(crate) fn may_have_texts(symbol: &str) -> bool {
    symbol.starts_with("info_")
}

/// The program with its texts behind it.
///
/// # Errors
/// That native code cannot be made of it.
pub(crate) fn with_texts(bitcode: Vec<u8>, clang: &Path, scratch: &Path) -> Result<Vec<u8>> {
    let program = scratch.join("texts.bc");
    let native = scratch.join("texts.o");
    fs::write(&program, &bitcode).map_err(system(format!("cannot write {}", program.display())))?;
    let mut command = Command::new(clang);
    command
        .arg(target_option())
        .args(["-O0", "-c", "-x", "ir", "-o"])
        .args([&native, &program]);
    let end = run(&mut command)?;
    if !end.status.success() {
        return Err(DriverError::Tool {
            text: String::from_utf8_lossy(&end.stderr).into_owned(),
            exit_code: BUILD_FAILED,
        });
    }
    let object = fs::read(&native).map_err(reading(&native))?;
    let texts = texts_of(&object);
    if texts.is_empty() {
        return Ok(bitcode);
    }
    Ok(wrapped(&bitcode, &texts))
}

fn texts_of(object: &[u8]) -> Vec<&[u8]> {
    let is_text = |byte: &&u8| byte.is_ascii_graphic() || **byte == b' ';
    object
        .windows(START.len())
        .enumerate()
        .filter(|(_, window)| *window == START)
        .filter_map(|(offset, _)| {
            let text = &object[offset..];
            let length = text
                .iter()
                .take_while(is_text)
                .position(|byte| *byte == END)?;
            Some(&text[..=length])
        })
        .collect()
}

fn wrapped(bitcode: &[u8], texts: &[&[u8]]) -> Vec<u8> {
    let size = u32::try_from(bitcode.len()).expect("a program of CMake's is small");
    let header = [WRAPPER_MAGIC, 0, WRAPPER_BYTES, size, X86_64];
    let mut bytes: Vec<u8> = header
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect();
    bytes.extend_from_slice(bitcode);
    for text in texts {
        bytes.push(0);
        bytes.extend_from_slice(text);
    }
    bytes.push(0);
    // Files of bitcode consist of whole words.
    bytes.resize(bytes.len().next_multiple_of(WORD_BYTES), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Contents;

    #[test]
    fn texts_are_found_whole_and_put_behind_the_bitcode() {
        let object = b"\x01INFO:size[0008]\0INFO:cut\0INFO:abi[ELF]x";
        let texts = texts_of(object);
        assert_eq!(texts, [&b"INFO:size[0008]"[..], b"INFO:abi[ELF]"]);
        let bytes = wrapped(b"BC\xC0\xDE", &texts);
        assert_eq!(Contents::of(&bytes), Contents::Bitcode);
        assert_eq!(&bytes[20..24], b"BC\xC0\xDE");
        assert!(bytes.windows(13).any(|text| text == b"INFO:abi[ELF]"));
        assert!(bytes.len().is_multiple_of(WORD_BYTES));
    }
}
