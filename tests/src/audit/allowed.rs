//! What the audit finds and is known to be right, each with its reason.

use super::{Finding, Violation};

/// BLAKE3's variants for newer processors: its dispatcher calls them after CPUID has named the feature.
const CHOSEN_BY_CPUID: &[&str] = &[
    "blake3_sse41_x86-64_unix.S.o",
    "blake3_avx2_x86-64_unix.S.o",
    "blake3_avx512_x86-64_unix.S.o",
];

/// What the names of functions have that are chosen by CPUID: the runtime's for blocks of memory, strings and powers,
/// those for FMA in the crate `libm` and in Rust's own copy of it, and what these ask the processor with.
const FUNCTIONS_CHOSEN_BY_CPUID: &[&str] = &[
    "bareflow_blocks9functions4avx2",
    "bareflow_blocks9functions12avx2_strings",
    "4math5exact11powf_of_avx",
    "4math6double18pow_by_instruction",
    "4arch3x863fma",
    "core_arch3x865xsave7__xgetbv",
];

/// Members whose functions ask the processor for its features; XGETBV follows a test of OSXSAVE.
const FEATURE_DETECTION: &[&str] = &["Host.cpp.o", "blake3_dispatch.c.o"];

/// Whether the finding is known to be right.
pub fn is_allowed(finding: &Finding) -> bool {
    let Violation::AboveBaseline(mnemonic) = &finding.violation else {
        return false;
    };
    let member = finding.member.as_str();
    // Without BMI1 the same bytes are BSF, which gives the same result unless the operand is zero; the
    // compiler uses the encoding below BMI1 only where it is not.
    mnemonic == "tzcnt"
        || CHOSEN_BY_CPUID.contains(&member)
        || FUNCTIONS_CHOSEN_BY_CPUID
            .iter()
            .any(|part| finding.symbol.contains(part))
        || (mnemonic == "xgetbv" && FEATURE_DETECTION.contains(&member))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(member: &str, violation: Violation) -> Finding {
        Finding {
            member: member.to_owned(),
            symbol: ".text".to_owned(),
            offset: 0,
            violation,
        }
    }

    fn instruction(member: &str, mnemonic: &str) -> Finding {
        finding(member, Violation::AboveBaseline(mnemonic.to_owned()))
    }

    #[test]
    fn only_what_has_a_reason_is_allowed() {
        assert!(is_allowed(&instruction("powf.cpp.o", "tzcnt")));
        assert!(is_allowed(&instruction("Host.cpp.o", "xgetbv")));
        assert!(is_allowed(&instruction(
            "blake3_avx2_x86-64_unix.S.o",
            "vpaddd"
        )));
        assert!(!is_allowed(&instruction("Host.cpp.o", "vpaddd")));
        assert!(!is_allowed(&instruction("powf.cpp.o", "lzcnt")));
        assert!(!is_allowed(&instruction("JIT.cpp.o", "xgetbv")));
        let of_function = |symbol: &str| Finding {
            symbol: symbol.to_owned(),
            ..instruction("bareflow_blocks.rcgu.o", "vpcmpeqb")
        };
        assert!(is_allowed(&of_function(
            ".text._ZN15bareflow_blocks9functions4avx24fill17h0E"
        )));
        assert!(!is_allowed(&of_function(
            ".text._ZN15bareflow_blocks9functions4sse24fill17h0E"
        )));
        let member = "blake3_avx2_x86-64_unix.S.o";
        assert!(!is_allowed(&finding(member, Violation::RedZone)));
        assert!(!is_allowed(&finding(member, Violation::DynamicTls)));
    }
}
