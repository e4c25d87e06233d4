//! What files are: by their names where they are sources, by their first bytes where they are linked.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use object::read::archive::ArchiveFile;

use crate::command_line::Input;
use crate::error::{DriverError, Result, reading};
use crate::flags::Language;

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// It is compiled.
    Source(Language),
    /// The text of IR: it is made into bitcode.
    IrText,
    /// Assembly: it goes into a module as it is.
    Assembler,
    /// It is linked as it is.
    Linked,
}

/// What an input is, by `-x` or by its name. `in_cxx`: C is taken for C++.
#[must_use]
pub fn kind_of(input: &Input, driver: Language) -> InputKind {
    let extension = input.path.extension().and_then(OsStr::to_str);
    let c = InputKind::Source(driver);
    let cxx = InputKind::Source(Language::Cxx);
    match (input.language.as_deref(), extension) {
        (Some("c" | "cpp-output" | "c-header"), _) => InputKind::Source(Language::C),
        (Some("ir"), _) | (None, Some("ll")) => InputKind::IrText,
        (Some("assembler" | "assembler-with-cpp"), _) | (None, Some("s" | "S" | "asm")) => {
            InputKind::Assembler
        }
        (Some(_), _) => cxx,
        (None, Some("c" | "i" | "h")) => c,
        (None, Some("cc" | "cpp" | "cxx" | "C" | "c++" | "cp" | "CPP" | "ii" | "hh" | "hpp")) => {
            cxx
        }
        (None, None) if input.path == Path::new("-") => c,
        (None, _) => InputKind::Linked,
    }
}

/// What a file that is linked holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Bitcode.
    Bitcode,
    /// An archive.
    Archive,
    /// ELF: a native object, a native executable or a shared library.
    Elf(ElfKind),
    /// Something else.
    Other,
}

/// What an ELF file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfKind {
    /// An object.
    Object,
    /// A shared library or an executable.
    Linked,
}

impl Contents {
    /// By the first bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        const ELF_TYPE_OFFSET: usize = 16;
        const ET_REL: u8 = 1;
        match bytes {
            [b'B', b'C', 0xC0, 0xDE, ..] | [0xDE, 0xC0, 0x17, 0x0B, ..] => Self::Bitcode,
            [b'!', b'<', b'a' | b't', b'r' | b'h', ..] => Self::Archive,
            [0x7F, b'E', b'L', b'F', ..] => Self::Elf(match bytes.get(ELF_TYPE_OFFSET) {
                Some(&ET_REL) => ElfKind::Object,
                _ => ElfKind::Linked,
            }),
            _ => Self::Other,
        }
    }

    /// Of a file.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self> {
        const LONGEST: u64 = 64;
        let mut start = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST).read_to_end(&mut start))
            .map_err(reading(path))?;
        Ok(Self::of(&start))
    }
}

/// Checks that a file can be linked, as far as it shows without its members.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn check_linkable(path: &Path) -> Result<Contents> {
    let shown = path.display();
    let contents = Contents::of_file(path)?;
    let reason = match contents {
        Contents::Bitcode | Contents::Archive => return Ok(contents),
        Contents::Elf(ElfKind::Object) => {
            "native code, not LLVM bitcode; compile its source with bareflow-cc"
        }
        Contents::Elf(ElfKind::Linked) => {
            "a shared library or a native program; programs are linked from bitcode and archives of it"
        }
        Contents::Other => {
            "neither bitcode nor an archive, and its name is not that of a source file"
        }
    };
    Err(DriverError::Input(format!("{shown}: {reason}")))
}

/// Whether the first object in an archive is bitcode; of an archive without members there is nothing to say.
///
/// # Errors
/// That the archive is damaged.
pub fn holds_bitcode(path: &Path) -> Result<Option<bool>> {
    let damaged = |error: object::Error| {
        DriverError::Input(format!("{}: a damaged archive: {error}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(reading(path))?;
    let archive = ArchiveFile::parse(bytes.as_slice()).map_err(damaged)?;
    if archive.is_thin() {
        return Ok(None);
    }
    let Some(member) = archive.members().next() else {
        return Ok(None);
    };
    let data = member
        .and_then(|member| member.data(bytes.as_slice()))
        .map_err(damaged)?;
    Ok(Some(Contents::of(data) == Contents::Bitcode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, language: Option<&str>, driver: Language) -> InputKind {
        let input = Input {
            path: name.into(),
            language: language.map(str::to_owned),
        };
        kind_of(&input, driver)
    }

    #[test]
    fn names_and_languages_say_what_files_are() {
        let c = InputKind::Source(Language::C);
        let cxx = InputKind::Source(Language::Cxx);
        assert_eq!(kind("a.c", None, Language::C), c);
        assert_eq!(kind("a.c", None, Language::Cxx), cxx);
        assert_eq!(kind("a.C", None, Language::C), cxx);
        assert_eq!(kind("-", Some("c++"), Language::C), cxx);
        assert_eq!(kind("a.ll", None, Language::C), InputKind::IrText);
        assert_eq!(kind("a.S", None, Language::C), InputKind::Assembler);
        assert_eq!(kind("a.out", None, Language::C), InputKind::Linked);
    }

    #[test]
    fn first_bytes_say_what_is_linked() {
        let mut elf = b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".to_vec();
        assert_eq!(Contents::of(&elf), Contents::Elf(ElfKind::Linked));
        elf[16] = 1;
        assert_eq!(Contents::of(&elf), Contents::Elf(ElfKind::Object));
        assert_eq!(Contents::of(b"BC\xC0\xDE"), Contents::Bitcode);
        assert_eq!(Contents::of(b"!<arch>\n"), Contents::Archive);
        assert_eq!(Contents::of(b""), Contents::Other);
    }
}
