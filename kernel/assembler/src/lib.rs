//! An assembler for what [QBE](https://c9x.me/compile/) writes for x86-64, in the syntax of AT&T.
//!
//! 1. It knows the instructions and directives that QBE's `amd64/emit.c` and `emit.c` write, by tables. Anything else is
//!    an error that names the line, and never a guess.
//! 2. Each instruction is encoded as LLVM's assembler encodes it, branches as short as they can be; the tests compare
//!    both, byte for byte.
//! 3. Code and constants become one piece, which only refers to names that it does not define.
//!
//! Encodings are those of Intel's Software Developer's Manual, volume 2.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod encoding;
mod layout;
mod operand;
mod table;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::encoding::Encoder;

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The number of the line, from 1 on; 0 if it is about all of them.
    pub line: usize,
    /// What is wrong with it, and what it is.
    pub reason: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => formatter.write_str(&self.reason),
            line => write!(formatter, "line {line}: {}", self.reason),
        }
    }
}

impl core::error::Error for Error {}

/// How a name is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// The distance to it, in 32 bits.
    Distance,
    /// The same, of what is called.
    Call,
}

/// Where code needs the place of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'t> {
    /// Where in the code.
    pub offset: u32,
    /// How.
    pub kind: ReferenceKind,
    /// To what.
    pub name: &'t str,
    /// To how many bytes behind it, and from where on distances are measured.
    pub addend: i64,
}

/// A name that is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition<'t> {
    /// The name.
    pub name: &'t str,
    /// Where it is.
    pub offset: u32,
}

/// What a text has become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembled<'t> {
    /// Code, and constants behind it; it lies at a multiple of [`ALIGNMENT`].
    pub bytes: Vec<u8>,
    /// The names that are defined, but for labels.
    pub definitions: Vec<Definition<'t>>,
    /// The names that are not.
    pub references: Vec<Reference<'t>>,
}

/// What code and constants are aligned to.
pub const ALIGNMENT: u32 = 16;

/// What labels begin with, which no name of others does.
const LOCAL: &str = ".L";

/// Assembles all lines.
///
/// # Errors
/// [`Error`]: what is written there is none of what QBE writes.
pub fn assemble(text: &str) -> Result<Assembled<'_>, Error> {
    let mut encoder = Encoder::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = without_comment(line).trim();
        statement(&mut encoder, line).map_err(|reason| Error {
            line: number,
            reason: format!("{reason}: `{line}`"),
        })?;
    }
    encoder.finish().map_err(|reason| Error { line: 0, reason })
}

/// Comments stand at the end of lines.
fn without_comment(line: &str) -> &str {
    line.split_once("/*").map_or(line, |(before, _)| before)
}

fn statement<'t>(encoder: &mut Encoder<'t>, line: &'t str) -> Result<(), String> {
    if line.is_empty() {
        return Ok(());
    }
    if let Some(label) = line.strip_suffix(':') {
        return encoder.define(label);
    }
    let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    if name.starts_with('.') {
        return directive(encoder, name, rest);
    }
    let operands = operand::parse_all(rest)?;
    table::encode(encoder, name, operands.as_slice())
}

fn directive(encoder: &mut Encoder, name: &str, rest: &str) -> Result<(), String> {
    match name {
        ".text" => encoder.enter_code(),
        ".section" if rest == ".rodata" => encoder.enter_constants(),
        // What is global the caller knows; what they say of stacks and of types is for debuggers.
        ".section" if rest.starts_with(".note.GNU-stack,") => {}
        ".globl" | ".type" | ".size" => {}
        ".p2align" => {
            let exponent: u32 = rest.parse().map_err(|_| "no alignment".to_string())?;
            encoder.align(1_u32.checked_shl(exponent).unwrap_or(0))?;
        }
        ".int" => {
            let number: i32 = rest.parse().map_err(|_| "no number".to_string())?;
            encoder.constant(&number.to_le_bytes())?;
        }
        _ => return Err("an unknown directive".into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        assemble(text).unwrap().bytes
    }

    #[test]
    fn a_function_and_its_constants_are_one_piece() {
        let made = assemble(
            ".text\n.globl s0\ns0:\n\tpushq %rbp\n\taddsd \".Lfp0\"(%rip), %xmm0\n\tcallq s7\n\
             .type s0, @function\n.size s0, .-s0\n/* end function s0 */\n\n\
             /* floating point constants */\n.section .rodata\n.p2align 3\n.Lfp0:\n\t.int 0\n\t.int 1074266112 /*  */\n\n\
             .section .note.GNU-stack,\"\",@progbits\n",
        )
        .unwrap();
        let mut expected = [
            0x55, 0xf2, 0x0f, 0x58, 0x05, 7, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0, 0,
        ]
        .to_vec();
        expected.extend(3.0_f64.to_le_bytes());
        assert_eq!(made.bytes, expected);
        let definition = Definition {
            name: "s0",
            offset: 0,
        };
        assert_eq!(made.definitions, [definition]);
        let reference = Reference {
            offset: 10,
            kind: ReferenceKind::Call,
            name: "s7",
            addend: -4,
        };
        assert_eq!(made.references, [reference]);
    }

    #[test]
    fn large_constants_go_to_memory_by_halves() {
        let halves =
            bytes("movl $81985529216486895, -8(%rbp)\nmovl $81985529216486895>>32, 4+-8(%rbp)");
        let same = bytes("movl $-1985229329, -8(%rbp)\nmovl $19088743, -4(%rbp)");
        assert_eq!(halves, same);
    }

    #[test]
    fn numbers_are_called_by_a_register() {
        assert_eq!(bytes("callq 4096"), bytes("movl $4096, %r11d\ncallq *%r11"));
    }

    #[test]
    fn what_qbe_does_not_write_is_refused_with_its_line() {
        for line in [
            "nop",
            "addl %rax, %eax",
            "addq $4294967296, %rax",
            "addl -8(%rbp), -16(%rbp)",
            "movq %fs:0, %rax",
            "leaq s1@tpoff(%rax), %rax",
            "movl (%eax), %ecx",
            "movl (%rax, %rsp, 1), %ecx",
            "movl (%rax, %rcx, 3), %ecx",
            "movl $s1, %ecx",
            "movl $1 2, %ecx",
            "cvtsi2sd -8(%rbp), %xmm0",
            "callq -4096",
            "setz %eax",
            "jmp .Lbb1+2",
            "movl 4294967296(%rax), %ecx",
            ".byte 1",
            ".int 1",
            ".section .data",
        ] {
            let text = format!("ret\n\t{line}\n");
            let error = assemble(&text).expect_err(line);
            assert_eq!(error.line, 2, "{error}");
            assert!(error.reason.ends_with(&format!("`{line}`")), "{error}");
        }
        for (text, reason) in [
            ("jmp .Lbb1", "no label .Lbb1"),
            ("addsd .Lfp1(%rip), %xmm0", "no label .Lfp1"),
            ("s1:\ns1:", "s1 is defined twice"),
        ] {
            assert_eq!(assemble(text).unwrap_err().to_string(), reason);
        }
    }
}
