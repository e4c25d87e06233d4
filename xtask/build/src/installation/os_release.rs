//! Which Linux distribution this is, out of `/etc/os-release`.

use std::fs;

/// What `os-release(5)` says of a system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// Its distribution, such as `debian`.
    pub id: String,
    /// The distributions that it is derived from, the nearest first.
    pub like: Vec<String>,
    /// The name of the release that its packages are of, such as `bookworm`.
    pub codename: Option<String>,
    /// Its name for people.
    pub name: String,
}

impl OsRelease {
    /// Of this system; all is empty if it does not say.
    pub fn of_this_system() -> Self {
        let text = ["/etc/os-release", "/usr/lib/os-release"]
            .into_iter()
            .find_map(|path| fs::read_to_string(path).ok());
        Self::read(&text.unwrap_or_default())
    }

    /// Out of the text of such a file.
    pub fn read(text: &str) -> Self {
        let value = |name: &str| {
            let mut lines = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
            let value = lines.next_back().unwrap_or_default().trim();
            let unquoted = ['"', '\'']
                .into_iter()
                .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
            unquoted.unwrap_or(value).to_owned()
        };
        // Derivatives of Ubuntu name their own releases, and take their packages from one of Ubuntu's.
        let codename = ["UBUNTU_CODENAME", "VERSION_CODENAME"]
            .map(value)
            .into_iter()
            .find(|name| !name.is_empty());
        Self {
            id: value("ID"),
            like: value("ID_LIKE")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            codename,
            name: value("PRETTY_NAME"),
        }
    }

    /// Whether it is this distribution or derived from it.
    pub fn is(&self, distribution: &str) -> bool {
        self.id == distribution || self.like.iter().any(|like| like == distribution)
    }
}
