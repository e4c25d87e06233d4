//! Starting cargo from within what cargo has started.

use std::path::Path;
use std::process::Command;

/// A cargo in `root` without what the cargo that runs us has set.
pub fn clean_cargo(root: &Path) -> Command {
    let mut command = clean_environment(Command::new("cargo"));
    command.current_dir(root);
    command
}

/// Where tools and crates come from is the machine's business and stays.
const KEPT_PREFIXES: &[&str] = &[
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "CARGO_TARGET_DIR",
    "RUSTUP_",
];

/// The command without what the cargo that runs us has set.
pub fn clean_environment(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_cargos = text.starts_with("CARGO") || text.starts_with("RUST");
        if is_cargos && !KEPT_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}
