//! The assembler for what QBE writes, against LLVM's: all forms of instructions, with all registers, with displacements
//! and numbers of all sizes.

use std::error::Error;
use std::process::Command;

use bareflow_assembler::{ReferenceKind, assemble};
use bareflow_build::tools::{Installation, Tools};
use bareflow_targets::DEFAULT;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags, elf};

const LONG: [&str; 16] = [
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
    "r13d", "r14d", "r15d",
];
const QUAD: [&str; 16] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15",
];
const WORD: [&str; 16] = [
    "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
    "r14w", "r15w",
];
const BYTE: [&str; 16] = [
    "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
    "r13b", "r14b", "r15b",
];
const CONDITIONS: [&str; 12] = [
    "be", "b", "le", "l", "g", "ge", "a", "ae", "z", "nz", "np", "p",
];
/// At the edges of what instructions have room for.
const NUMBERS: [i64; 12] = [
    0,
    1,
    -1,
    3,
    127,
    128,
    -128,
    -129,
    4660,
    i32::MAX as i64,
    i32::MIN as i64,
    -305_419_896,
];

/// Lines in the order in which they are made.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, line: String) {
        self.0.push(line);
    }
}

fn vectors() -> Vec<String> {
    (0..16).map(|number| format!("%xmm{number}")).collect()
}

fn registers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("%{name}")).collect()
}

/// Operands in memory: all registers as base and as index, all factors, displacements of all sizes, names.
fn places() -> Vec<String> {
    let mut places = Vec::new();
    for base in QUAD {
        for displacement in [
            "",
            "0",
            "8",
            "-8",
            "127",
            "-128",
            "128",
            "-129",
            "2147483647",
        ] {
            places.push(format!("{displacement}(%{base})"));
        }
        for (index, factor) in QUAD.iter().zip([1, 2, 4, 8].iter().cycle()) {
            if *index != "rsp" {
                places.push(format!("(%{base}, %{index}, {factor})"));
                places.push(format!("-16(%{base}, %{index}, {factor})"));
                places.push(format!("1000(%{base}, %{index}, {factor})"));
            }
        }
    }
    for index in QUAD {
        if index != "rsp" {
            places.push(format!("(, %{index}, 4)"));
            places.push(format!("24(, %{index}, 8)"));
        }
    }
    for place in ["4096", "s1(%rip)", "s1+8(%rip)", "s1-8(%rip)", "4+-8(%rbp)"] {
        places.push(place.into());
    }
    places
}

/// A few of them, for what has many other operands.
fn some_places() -> [&'static str; 5] {
    [
        "-8(%rbp)",
        "(%rsp)",
        "1000(%r12, %r13, 8)",
        "s2+4(%rip)",
        "(, %rax, 2)",
    ]
}

/// Instructions on integers with a size.
fn integers(lines: &mut Lines) {
    for (size, names) in [("l", LONG), ("q", QUAD)] {
        let registers = registers(&names);
        for name in ["add", "sub", "and", "or", "xor", "cmp", "test", "mov"] {
            for register in &registers {
                for other in &registers {
                    lines.add(format!("{name}{size} {register}, {other}"));
                }
                for number in NUMBERS {
                    lines.add(format!("{name}{size} ${number}, {register}"));
                }
                for place in some_places() {
                    lines.add(format!("{name}{size} {register}, {place}"));
                    lines.add(format!("{name}{size} {place}, {register}"));
                }
            }
            for place in places() {
                lines.add(format!("{name}{size} {place}, {}", registers[9]));
                lines.add(format!("{name}{size} {}, {place}", registers[6]));
            }
            for place in some_places() {
                for number in NUMBERS {
                    lines.add(format!("{name}{size} ${number}, {place}"));
                }
            }
        }
        for name in ["sar", "shr", "shl"] {
            let places = some_places().map(str::to_owned);
            for target in registers.iter().chain(&places) {
                lines.add(format!("{name}{size} %cl, {target}"));
                for count in [1, 2, 31, 63] {
                    lines.add(format!("{name}{size} ${count}, {target}"));
                }
            }
        }
        for register in &registers {
            for other in &registers {
                lines.add(format!("imul{size} {other}, {register}"));
                if register != other {
                    lines.add(format!("xchg{size} {register}, {other}"));
                }
            }
            for number in NUMBERS {
                lines.add(format!("imul{size} ${number}, {register}, %{}", names[3]));
                lines.add(format!("imul{size} ${number}, %{}, {register}", names[12]));
            }
            for place in some_places() {
                lines.add(format!("imul{size} {place}, {register}"));
                lines.add(format!("imul{size} $9, {place}, {register}"));
                lines.add(format!("xchg{size} {register}, {place}"));
                lines.add(format!("xchg{size} {place}, {register}"));
            }
            for place in places() {
                lines.add(format!("lea{size} {place}, {register}"));
            }
        }
        for name in ["neg", "div", "idiv"] {
            let places = some_places().map(str::to_owned);
            for target in registers.iter().chain(&places) {
                lines.add(format!("{name}{size} {target}"));
            }
        }
    }
    for register in registers(&QUAD) {
        for number in [u32::MAX as i64, 1 << 31, i64::MAX, i64::MIN, -(1 << 40)] {
            lines.add(format!("movq ${number}, {register}"));
        }
        lines.add(format!("pushq {register}"));
        lines.add(format!("popq {register}"));
        lines.add(format!("callq *{register}"));
    }
    for register in registers(&LONG) {
        for number in [1_i64 << 31, u32::MAX as i64] {
            lines.add(format!("movl ${number}, {register}"));
            lines.add(format!("addl ${number}, {register}"));
        }
    }
}

/// Stores and extensions of bytes and words.
fn narrow(lines: &mut Lines) {
    for (name, names, numbers) in [
        ("movb", BYTE, [0_i64, 127, 255, -128]),
        ("movw", WORD, [0, 1000, 65535, -32768]),
    ] {
        for register in registers(&names) {
            for place in some_places() {
                lines.add(format!("{name} {register}, {place}"));
            }
        }
        for place in places() {
            lines.add(format!("{name} %{}, {place}", names[7]));
            for number in numbers {
                lines.add(format!("{name} ${number}, {place}"));
            }
        }
    }
    for (name, sources, targets) in [
        ("movsbl", BYTE, LONG),
        ("movsbq", BYTE, QUAD),
        ("movzbl", BYTE, LONG),
        ("movzbq", BYTE, QUAD),
        ("movswl", WORD, LONG),
        ("movswq", WORD, QUAD),
        ("movzwl", WORD, LONG),
        ("movzwq", WORD, QUAD),
        ("movslq", LONG, QUAD),
    ] {
        for target in registers(&targets) {
            for source in registers(&sources) {
                lines.add(format!("{name} {source}, {target}"));
            }
            for place in some_places() {
                lines.add(format!("{name} {place}, {target}"));
            }
        }
        for place in places() {
            lines.add(format!("{name} {place}, %{}", targets[11]));
        }
    }
    for condition in CONDITIONS {
        for register in registers(&BYTE) {
            lines.add(format!("set{condition} {register}"));
        }
    }
}

/// Floating point.
fn floats(lines: &mut Lines) {
    for name in [
        "addss", "addsd", "subss", "subsd", "mulss", "mulsd", "divss", "divsd", "cvtss2sd",
        "cvtsd2ss", "ucomiss", "ucomisd", "movss", "movsd", "movaps", "xorps", "xorpd",
    ] {
        for target in vectors() {
            for source in vectors() {
                lines.add(format!("{name} {source}, {target}"));
            }
            for place in some_places() {
                lines.add(format!("{name} {place}, {target}"));
            }
        }
        for place in places() {
            lines.add(format!("{name} {place}, %xmm13"));
            if name.starts_with("mov") {
                lines.add(format!("{name} %xmm3, {place}"));
                lines.add(format!("{name} %xmm12, {place}"));
            }
        }
    }
    for vector in vectors() {
        for (size, names) in [("l", LONG), ("q", QUAD)] {
            for name in ["cvttss2si", "cvttsd2si"] {
                for register in registers(&names) {
                    lines.add(format!("{name}{size} {vector}, {register}"));
                }
                for place in some_places() {
                    lines.add(format!("{name}{size} {place}, %{}", names[10]));
                }
            }
            for name in ["cvtsi2ss", "cvtsi2sd"] {
                for register in registers(&names) {
                    lines.add(format!("{name} {register}, {vector}"));
                }
            }
        }
        for other in vectors() {
            lines.add(format!("movq {vector}, {other}"));
        }
        for place in some_places() {
            lines.add(format!("movq {vector}, {place}"));
            lines.add(format!("movq {place}, {vector}"));
        }
        for register in registers(&QUAD) {
            lines.add(format!("movq {vector}, {register}"));
            lines.add(format!("movq {register}, {vector}"));
        }
    }
}

fn others(lines: &mut Lines) {
    for line in [
        "ret",
        "leave",
        "ud2",
        "cqto",
        "cltd",
        "callq s1",
        "callq s1+4",
        "subq %rax, %rsp",
        "subq $1000, %rsp",
    ] {
        lines.add(line.into());
    }
}

/// Branches over so much that some are short and some are not, forward and back.
fn branches(lines: &mut Lines) {
    for (number, count) in [0, 60, 61, 62, 63, 64, 200].into_iter().enumerate() {
        lines.add(format!(".Lbb{number}:"));
        for _ in 0..count {
            lines.add("cqto".into());
        }
        for condition in CONDITIONS {
            lines.add(format!("j{condition} .Lbb{number}"));
            lines.add(format!("j{condition} .Lend{number}"));
        }
        lines.add(format!("jmp .Lbb{number}"));
        lines.add(format!("jmp .Lend{number}"));
        lines.add("jmp .Lend0".into());
        for _ in 0..count {
            lines.add("cqto".into());
        }
        lines.add(format!(".Lend{number}:"));
    }
}

/// A word that is not known before linking: where, of which kind, to what, and what is added.
type Word = (u64, u32, String, i64);

/// The bytes of the code that LLVM's assembler makes, and what refers to names.
fn by_llvm(text: &str) -> Result<(Vec<u8>, Vec<Word>), Box<dyn Error>> {
    let tools = Tools::find(Installation::Forbidden)?;
    let folder = tempfile::tempdir()?;
    let [source, output] = ["code.s", "code.o"].map(|name| folder.path().join(name));
    std::fs::write(&source, text)?;
    let mut clang = Command::new(&tools.clang);
    clang.arg(format!("--target={}", DEFAULT.triple)).arg("-c");
    let made = clang.arg(&source).arg("-o").arg(&output).output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into());
    }
    let bytes = std::fs::read(&output)?;
    let file = object::File::parse(&*bytes)?;
    let section = file.section_by_name(".text").ok_or("no code")?;
    let mut words = Vec::new();
    for (offset, relocation) in section.relocations() {
        let RelocationFlags::Elf { r_type } = relocation.flags() else {
            return Err("a relocation of another format".into());
        };
        let object::RelocationTarget::Symbol(symbol) = relocation.target() else {
            return Err("a relocation without a symbol".into());
        };
        let name = file.symbol_by_index(symbol)?.name()?.to_owned();
        words.push((offset, r_type.0, name, relocation.addend()));
    }
    words.sort();
    Ok((section.data()?.to_vec(), words))
}

#[test]
fn all_that_qbe_writes_is_encoded_as_llvm_encodes_it() -> Result<(), Box<dyn Error>> {
    let mut lines = Lines::default();
    integers(&mut lines);
    narrow(&mut lines);
    floats(&mut lines);
    others(&mut lines);
    branches(&mut lines);
    let text = lines.0.join("\n") + "\n";
    let (expected, words) = by_llvm(&text)?;
    let made = assemble(&text)?;
    if made.bytes != expected {
        let differs = made.bytes.iter().zip(&expected);
        let first = differs.take_while(|(one, other)| one == other).count();
        let mut start = 0;
        for line in &lines.0 {
            // Only branches refer to what other lines define.
            let size = assemble(line).map_or(0, |made| made.bytes.len());
            if start + size > first {
                let range = start..(start + size + 4).min(expected.len());
                return Err(format!(
                    "{line}: {:02x?}, and {:02x?} by LLVM",
                    &made.bytes[start..start + size],
                    &expected[range]
                )
                .into());
            }
            start += size;
        }
        return Err(format!("a branch at {first} or behind it").into());
    }
    let mut found: Vec<Word> = made
        .references
        .iter()
        .map(|one| {
            let kind = match one.kind {
                ReferenceKind::Distance => elf::R_X86_64_PC32,
                ReferenceKind::Call => elf::R_X86_64_PLT32,
            };
            (one.offset.into(), kind.0, one.name.to_owned(), one.addend)
        })
        .collect();
    found.sort();
    if let Some((one, other)) = found.iter().zip(&words).find(|(one, other)| one != other) {
        return Err(format!("a reference is {one:?}, and {other:?} by LLVM").into());
    }
    assert_eq!(found.len(), words.len());
    println!("{} lines, {} bytes", lines.0.len(), expected.len());
    Ok(())
}
