//! What compilers answer when they are asked about themselves.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use bareflow_protocol::exit_code::USAGE;

use crate::compile::run;
use crate::error::{DriverError, Result};
use crate::flags::{TARGET, target_option};
use crate::sdk::Sdk;
use crate::toolchain::Toolchain;

/// Prints the answer to `query`.
///
/// # Errors
/// That clang cannot be started, or does not know it.
pub fn answer(query: &str, toolchain: &Toolchain, sdk: &Sdk) -> Result<()> {
    let text = match split(query) {
        ("version", _) => {
            let clang = ask_clang(toolchain, query)?;
            let first = clang.lines().next().unwrap_or_default();
            format!(
                "bareflow-cc {} ({first})\nTarget: {}\nInstalledDir: {}",
                env!("CARGO_PKG_VERSION"),
                TARGET.triple,
                sdk.root.join("bin").display()
            )
        }
        ("help", _) => format!(
            "{}\nIn BareFlow's driver, objects and programs are bitcode for {}.",
            ask_clang(toolchain, query)?.trim_end(),
            TARGET.triple
        ),
        ("print-file-name", Some(name)) => {
            let path = sdk.libraries.join(name);
            if path.exists() {
                path.display().to_string()
            } else {
                name.to_owned()
            }
        }
        ("print-prog-name", Some(name)) => {
            let path = match name {
                "ar" => Some(&toolchain.ar),
                "ranlib" => Some(&toolchain.ranlib),
                "nm" => Some(&toolchain.nm),
                "ld" | "ld.lld" => Some(&toolchain.lld),
                _ => None,
            };
            path.map_or_else(|| name.to_owned(), |path| path.display().to_string())
        }
        ("print-search-dirs", _) => format!(
            "programs: ={}\nlibraries: ={}",
            toolchain.clang.parent().unwrap_or(Path::new("")).display(),
            sdk.libraries.display()
        ),
        // There is one of each.
        ("print-multi-os-directory" | "print-multi-directory", _) => ".".to_owned(),
        ("print-libgcc-file-name", _) => "libgcc.a".to_owned(),
        ("print-sysroot" | "print-multiarch", _) => String::new(),
        ("print-target-triple" | "print-effective-triple" | "dumpmachine", _) => TARGET.to_owned(),
        _ => ask_clang(toolchain, query)?.trim_end().to_owned(),
    };
    // A reader that has gone does not want the rest.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

/// The name without its dashes, and the value.
fn split(query: &str) -> (&str, Option<&str>) {
    let query = query.trim_start_matches('-');
    match query.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (query, None),
    }
}

fn ask_clang(toolchain: &Toolchain, query: &str) -> Result<String> {
    let mut command = Command::new(&toolchain.clang);
    command
        .arg(target_option())
        .arg(query)
        .stdout(Stdio::piped());
    let end = run(&mut command)?;
    if end.status.success() {
        return Ok(String::from_utf8_lossy(&end.stdout).into_owned());
    }
    Err(DriverError::Tool {
        text: String::from_utf8_lossy(&end.stderr).into_owned(),
        exit_code: USAGE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_may_have_values() {
        assert_eq!(
            split("--print-prog-name=ld"),
            ("print-prog-name", Some("ld"))
        );
        assert_eq!(split("-dumpmachine"), ("dumpmachine", None));
    }
}
