//! How missing tools are installed: never at the cost of what is there.

mod apt;
mod os_release;
mod packages;
mod plan;

pub use apt::{install, update};
pub use os_release::OsRelease;
pub use packages::Manager;

/// What a command that needs root begins with.
pub fn sudo() -> &'static str {
    if nix::unistd::geteuid().is_root() {
        ""
    } else {
        "sudo "
    }
}
