//! How caches are named.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the addresses of servers begin with.
const SCHEMES: &[&[u8]] = &[b"http://", b"https://", b"s3://"];

/// Where a cache is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A folder of a server, without a slash at its end.
    Http(String),
    /// A bucket of an S3-compatible store.
    S3 {
        /// Its name.
        bucket: String,
        /// What the names of all objects begin with: empty, or without a slash at its end.
        prefix: String,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Http(base) => f.write_str(base),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Address {
    /// Of one cache.
    pub fn parse(text: &OsStr) -> Self {
        let server = text.to_str().filter(|_| {
            SCHEMES
                .iter()
                .any(|scheme| text.as_bytes().starts_with(scheme))
        });
        let Some(server) = server else {
            return Self::Folder(text.into());
        };
        let server = server.trim_end_matches('/');
        match server.strip_prefix("s3://") {
            None => Self::Http(server.to_owned()),
            Some(object) => {
                let (bucket, prefix) = object.split_once('/').unwrap_or((object, ""));
                Self::S3 {
                    bucket: bucket.to_owned(),
                    prefix: prefix.to_owned(),
                }
            }
        }
    }

    /// Of several caches, with colons between them. The colons after a scheme and before a port are their address's own;
    /// others have to be written as `%3A` there.
    pub fn parse_list(list: &OsStr) -> Vec<Self> {
        let mut rest = list.as_bytes();
        let mut addresses = Vec::new();
        while !rest.is_empty() {
            let end = entry_end(rest);
            if end > 0 {
                addresses.push(Self::parse(OsStr::from_bytes(&rest[..end])));
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        addresses
    }
}

/// Where the first entry of a list ends.
fn entry_end(list: &[u8]) -> usize {
    let up_to = |from: usize, stops: &[u8]| {
        list[from..]
            .iter()
            .position(|byte| stops.contains(byte))
            .map_or(list.len(), |offset| from + offset)
    };
    let Some(scheme) = SCHEMES.iter().find(|scheme| list.starts_with(scheme)) else {
        return up_to(0, b":");
    };
    let host = scheme.len();
    // An IPv6 address is in brackets.
    let host_end = if list.get(host) == Some(&b'[') {
        up_to(up_to(host, b"]"), b":/")
    } else {
        up_to(host, b":/")
    };
    let mut end = host_end;
    if list.get(host_end) == Some(&b':') {
        let port_end = up_to(host_end + 1, b":/");
        let port = &list[host_end + 1..port_end];
        if !port.is_empty() && port.len() <= 5 && port.iter().all(u8::is_ascii_digit) {
            end = port_end;
        }
    }
    if list.get(end) == Some(&b'/') {
        up_to(end, b":")
    } else {
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_caches_are_read() {
        let read = |list: &str| {
            Address::parse_list(OsStr::new(list))
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        for (list, expected) in [
            ("", &[][..]),
            ("/a:/b c", &["/a", "/b c"]),
            (":/a::b:", &["/a", "b"]),
            ("http://h/p:/a", &["http://h/p", "/a"]),
            ("http://h:8080/p/:/a", &["http://h:8080/p", "/a"]),
            ("http://h:8080:/a", &["http://h:8080", "/a"]),
            ("https://h:/a", &["https://h", "/a"]),
            ("http://h:80", &["http://h:80"]),
            (
                "http://[::1]:80/x:s3://b/p/q:/a",
                &["http://[::1]:80/x", "s3://b/p/q", "/a"],
            ),
            ("s3://b:https://h/:http", &["s3://b", "https://h", "http"]),
            ("/a:http://h:123456", &["/a", "http://h", "123456"]),
        ] {
            assert_eq!(read(list), expected, "{list}");
        }
        assert_eq!(
            Address::parse(OsStr::new("s3://bucket/some/prefix/")),
            Address::S3 {
                bucket: "bucket".to_owned(),
                prefix: "some/prefix".to_owned()
            }
        );
    }
}
