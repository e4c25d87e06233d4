//! Definitions for GNU assembler: numbers as symbols, texts as macros that write them.

use alloc::string::String;
use core::fmt::Write as _;

use crate::loader::{self, module};
use crate::{debug_exit, exit_code, report};

/// A symbol for each number of the protocol and each of these.
#[must_use]
pub fn definitions(more: &[(&str, u32)]) -> String {
    let own = [
        ("DEBUG_EXIT_PORT", u32::from(debug_exit::PORT)),
        ("DEBUG_EXIT_VALUE", u32::from(debug_exit::VALUE)),
    ];
    let texts = [
        ("ascii_report_exit", report::EXIT),
        ("ascii_drive", loader::DRIVE),
        ("ascii_module_bundle", module::BUNDLE),
        ("ascii_module_header", module::HEADER),
        ("ascii_module_llvm", module::LLVM),
        ("ascii_module_files", module::FILES),
        (
            "ascii_out_of_memory",
            &alloc::format!("{}", exit_code::OUT_OF_MEMORY),
        ),
        (
            "ascii_boot_failure",
            &alloc::format!("{}", exit_code::BOOT_FAILURE),
        ),
    ];
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (name, number) in own.iter().chain(more) {
        let _ = writeln!(text, ".set {name}, {number:#x}");
    }
    for (name, contents) in texts {
        let _ = writeln!(text, ".macro {name}\n.ascii \"{contents}\"\n.endm");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_symbols_and_texts_are_macros() {
        let text = definitions(&[("STAGE2_SECTOR", 1)]);
        for line in [
            ".set DEBUG_EXIT_PORT, 0xf4\n",
            ".set STAGE2_SECTOR, 0x1\n",
            ".macro ascii_report_exit\n.ascii \"BAREFLOW-EXIT \"\n.endm\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
