//! What the host adds to a kernel's profile: the names of the kernel's own functions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use object::{Object, ObjectSymbol, SymbolKind};

use super::{Part, SampledSymbol, parse};
use bareflow_image::error::{Error, Result, system};
use bareflow_image::outputs::write_output;

/// Reads the profile that a kernel has written to `raw`, names what it left as addresses by the symbols of
/// the kernel's ELF file, and writes it to `output`.
///
/// # Errors
/// That there is no profile, or that a file cannot be read or written.
pub fn complete(raw: &Path, kernel: &Path, output: &Path) -> Result<()> {
    let text = fs::read(raw).unwrap_or_default();
    if text.is_empty() {
        return Err(Error::build(
            "the kernel wrote no profile: the program did not come to its end",
        ));
    }
    let mut profile =
        parse(&text).map_err(|error| Error::build(format!("the kernel's profile: {error}")))?;
    let data = fs::read(kernel).map_err(system(format!("cannot read {}", kernel.display())))?;
    let names = names_of(&data)
        .map_err(|error| Error::build(format!("cannot read {}: {error}", kernel.display())))?;
    profile.samples.symbols = named(&profile.samples.symbols, &names);
    let text = serde_json::to_vec_pretty(&profile)
        .map_err(|error| Error::build(format!("cannot write the profile: {error}")))?;
    Ok(write_output(output, "--profile", &text)?)
}

/// Functions by their addresses.
fn names_of(data: &[u8]) -> std::result::Result<BTreeMap<u64, String>, object::Error> {
    let file = object::File::parse(data)?;
    Ok(file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
        .filter_map(|symbol| Some((symbol.address(), demangled(symbol.name().ok()?))))
        .collect())
}

fn demangled(name: &str) -> String {
    // Rust's older scheme looks like C++'s, but for a hash at the end.
    let rust = rustc_demangle::demangle(name);
    let without_hash = format!("{rust:#}");
    if without_hash != rust.to_string() {
        return without_hash;
    }
    let cxx = cpp_demangle::Symbol::new(name)
        .ok()
        .and_then(|symbol| symbol.demangle().ok());
    // Parameters of templates would fill a page.
    let text = cxx.unwrap_or_else(|| name.to_owned());
    text.split('(').next().unwrap_or(&text).to_owned()
}

fn named(symbols: &[SampledSymbol], names: &BTreeMap<u64, String>) -> Vec<SampledSymbol> {
    let mut counts: BTreeMap<(String, &'static str), (Part, u64)> = BTreeMap::new();
    for symbol in symbols {
        let address = symbol
            .symbol
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let found = address
            .filter(|_| symbol.part != Part::Program)
            // The kernel rounds addresses down to 16 bytes.
            .and_then(|address| names.range(..=address + 15).next_back())
            .map_or_else(|| symbol.symbol.clone(), |(_, name)| name.clone());
        let entry = counts
            .entry((found, symbol.part.name()))
            .or_insert((symbol.part, 0));
        entry.1 += symbol.count;
    }
    let mut named: Vec<SampledSymbol> = counts
        .into_iter()
        .map(|((symbol, _), (part, count))| SampledSymbol {
            symbol,
            part,
            count,
        })
        .collect();
    named.sort_by_key(|symbol| std::cmp::Reverse(symbol.count));
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_image_get_names_and_are_counted_together() {
        let sampled = |symbol: &str, part, count| SampledSymbol {
            symbol: symbol.into(),
            part,
            count,
        };
        let names = BTreeMap::from([(0x1000, "memcpy".to_owned()), (0x2008, "parse".to_owned())]);
        let found = named(
            &[
                sampled("0x1010", Part::Libc, 3),
                sampled("0x1020", Part::Libc, 4),
                sampled("0x2000", Part::Kernel, 1),
                sampled("main", Part::Program, 9),
                sampled("0x500", Part::Kernel, 2),
            ],
            &names,
        );
        assert_eq!(
            found,
            [
                sampled("main", Part::Program, 9),
                sampled("memcpy", Part::Libc, 7),
                sampled("0x500", Part::Kernel, 2),
                sampled("parse", Part::Kernel, 1),
            ]
        );
    }

    #[test]
    fn names_of_both_languages_are_readable() {
        for (mangled, name) in [
            (
                "_ZN4llvm11LLVMContextC1Ev",
                "llvm::LLVMContext::LLVMContext",
            ),
            (
                "_ZN15bareflow_hosted8platform7install17h02288ed972fa95b7E.llvm.97610081",
                "bareflow_hosted::platform::install",
            ),
            (
                "_ZN53_$LT$core..fmt..Error$u20$as$u20$core..fmt..Debug$GT$3fmt17hcaca0e1d4cafe0f1E",
                "<core::fmt::Error as core::fmt::Debug>::fmt",
            ),
            ("memcpy", "memcpy"),
        ] {
            assert_eq!(demangled(mangled), name);
        }
    }
}
