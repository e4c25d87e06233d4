//! Decodes machine code and names what breaks the rules.

use iced_x86::{CpuidFeature, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

/// A rule that code breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A memory access below the stack pointer: an interrupt on the same stack would destroy it.
    RedZone,
    /// An instruction that needs a CPU feature beyond the target's baseline; its name.
    AboveBaseline(String),
    /// A thread-local that needs a dynamic linker.
    DynamicTls,
}

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The archive member.
    pub member: String,
    /// The section: one function each, as everything is built with `-ffunction-sections`.
    pub symbol: String,
    /// Offset in the section, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub violation: Violation,
}

/// The code of one processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 32-bit x86, as of the Pentium 4.
    X86,
    /// x86-64 (System V ABI, x86-64-v1).
    X86_64,
}

impl Code {
    fn bits(self) -> u32 {
        match self {
            Self::X86 => 32,
            Self::X86_64 => 64,
        }
    }

    fn stack_pointer(self) -> Register {
        match self {
            Self::X86 => Register::ESP,
            Self::X86_64 => Register::RSP,
        }
    }

    /// What an instruction adds to its base, in bytes.
    fn displacement(self, instruction: &Instruction) -> i64 {
        match self {
            Self::X86 => instruction.memory_displacement32().cast_signed().into(),
            Self::X86_64 => instruction.memory_displacement64().cast_signed(),
        }
    }

    /// Whether every such processor has it.
    fn has(self, feature: CpuidFeature) -> bool {
        BASELINE.contains(&feature) || self == Self::X86_64 && BASELINE_64.contains(&feature)
    }
}

/// Features of every x86-64 processor besides.
const BASELINE_64: &[CpuidFeature] = &[CpuidFeature::X64, CpuidFeature::SYSCALL];

/// Features of every Pentium 4 and of every x86-64 processor, and the two instructions that ask the processor for its
/// features.
const BASELINE: &[CpuidFeature] = &[
    CpuidFeature::INTEL8086,
    CpuidFeature::INTEL186,
    CpuidFeature::INTEL286,
    CpuidFeature::INTEL386,
    CpuidFeature::INTEL486,
    CpuidFeature::CMOV,
    CpuidFeature::CX8,
    CpuidFeature::FPU,
    CpuidFeature::FPU287,
    CpuidFeature::FPU387,
    CpuidFeature::FXSR,
    CpuidFeature::MMX,
    CpuidFeature::SSE,
    CpuidFeature::SSE2,
    CpuidFeature::MULTIBYTENOP,
    CpuidFeature::PAUSE,
    CpuidFeature::TSC,
    CpuidFeature::CPUID,
    CpuidFeature::MSR,
    CpuidFeature::CET_IBT,
];

/// Decodes `code` and appends what it finds; returns the number of instructions.
pub fn scan_code(
    processor: Code,
    code: &[u8],
    member: &str,
    symbol: &str,
    findings: &mut Vec<Finding>,
) -> u64 {
    let mut decoder = Decoder::new(processor.bits(), code, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    let mut count = 0;
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        count += 1;
        for violation in violations(processor, &instruction) {
            findings.push(Finding {
                member: member.to_owned(),
                symbol: symbol.to_owned(),
                offset: instruction.ip(),
                violation,
            });
        }
    }
    count
}

fn violations(processor: Code, instruction: &Instruction) -> impl Iterator<Item = Violation> {
    let red_zone = uses_red_zone(processor, instruction).then_some(Violation::RedZone);
    let above = (!instruction.is_invalid()
        && instruction
            .cpuid_features()
            .iter()
            .any(|feature| !processor.has(*feature)))
    .then(|| Violation::AboveBaseline(format!("{:?}", instruction.mnemonic()).to_lowercase()));
    red_zone.into_iter().chain(above)
}

fn uses_red_zone(processor: Code, instruction: &Instruction) -> bool {
    // LEA computes an address and touches no memory.
    instruction.mnemonic() != Mnemonic::Lea
        && (0..instruction.op_count()).any(|index| instruction.op_kind(index) == OpKind::Memory)
        && instruction.memory_base() == processor.stack_pointer()
        && instruction.memory_index() == Register::None
        && processor.displacement(instruction) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(code: &[u8]) -> Vec<Violation> {
        let mut findings = Vec::new();
        scan_code(Code::X86_64, code, "member.o", ".text.f", &mut findings);
        findings
            .into_iter()
            .map(|finding| finding.violation)
            .collect()
    }

    #[test]
    fn a_store_below_the_stack_pointer_is_red_zone_use() {
        // mov qword ptr [rsp - 8], rax
        assert_eq!(scan(&[0x48, 0x89, 0x44, 0x24, 0xf8]), [Violation::RedZone]);
    }

    #[test]
    fn a_store_above_the_stack_pointer_and_an_address_below_it_are_fine() {
        // mov qword ptr [rsp + 8], rax; lea rax, [rsp - 8]; push rax
        let code = [
            0x48, 0x89, 0x44, 0x24, 0x08, 0x48, 0x8d, 0x44, 0x24, 0xf8, 0x50,
        ];
        assert_eq!(scan(&code), []);
    }

    #[test]
    fn avx_is_above_the_baseline_and_sse2_is_not() {
        // vaddpd ymm0, ymm1, ymm2; addpd xmm0, xmm1
        assert_eq!(
            scan(&[0xc5, 0xf5, 0x58, 0xc2]),
            [Violation::AboveBaseline("vaddpd".to_owned())]
        );
        assert_eq!(scan(&[0x66, 0x0f, 0x58, 0xc1]), []);
    }

    #[test]
    fn instructions_are_counted() {
        assert_eq!(
            scan_code(Code::X86_64, &[0x90, 0x90, 0xc3], "m", "s", &mut Vec::new()),
            3
        );
    }

    #[test]
    fn the_baseline_is_that_of_the_processor() {
        let mut findings = Vec::new();
        // syscall; mov dword ptr [esp - 4], eax
        let code = [0x0f, 0x05, 0x89, 0x44, 0x24, 0xfc];
        assert_eq!(scan_code(Code::X86, &code, "m", "s", &mut findings), 2);
        let violations: Vec<_> = findings.iter().map(|finding| &finding.violation).collect();
        let above = Violation::AboveBaseline("syscall".to_owned());
        assert_eq!(violations, [&above, &Violation::RedZone]);
    }
}
