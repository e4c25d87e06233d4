//! Files of each version of the format: this one is read and written as it always was, and older ones are refused.

use std::fs;
use std::path::PathBuf;

use bareflow_snapshot::{
    Authentication, Expected, Refusal, Snapshot, VERSION, decode, encode, inspect,
};

use crate::sample::{expected, snapshot};

const CODE: [u8; 7] = [0xb8, 42, 0, 0, 0, 0xc3, 0xcc];
const SECRET: [u8; 32] = [7; 32];

fn sample() -> Snapshot<'static> {
    snapshot(&CODE, 12)
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name)
}

/// Fails when what is written is not what the golden file of this version holds.
fn check(name: &str, authentication: Authentication) {
    let name = format!("version-{VERSION}{name}.snap");
    let written = encode(&sample(), authentication);
    if fs::read(golden(&name)).ok().as_deref() == Some(&written) {
        return;
    }
    let kept = std::env::temp_dir().join(&name);
    fs::write(&kept, &written).unwrap();
    panic!(
        "snapshots of version {VERSION} are not what they were. If the format is to change, VERSION becomes {}, and {} \
         goes beside tests/goldens/{name} under the new name",
        VERSION + 1,
        kept.display()
    );
}

#[test]
fn the_format_has_not_changed_without_a_new_version() {
    check("", Authentication::None);
    check("-keyed", Authentication::Keyed(&SECRET));
}

#[test]
fn golden_files_are_read() {
    let bytes = fs::read(golden(&format!("version-{VERSION}.snap"))).unwrap();
    assert_eq!(decode(&bytes, &expected()), Ok(sample()));
    assert_eq!(inspect(&bytes), Ok(sample()));
    let bytes = fs::read(golden(&format!("version-{VERSION}-keyed.snap"))).unwrap();
    let expected = Expected {
        authentication: Authentication::Keyed(&SECRET),
        ..expected()
    };
    assert_eq!(decode(&bytes, &expected), Ok(sample()));
}

#[test]
fn an_older_version_is_refused() {
    for version in 3..VERSION {
        let bytes = fs::read(golden(&format!("version-{version}.snap"))).unwrap();
        let refusal = decode(&bytes, &expected()).unwrap_err();
        assert_eq!(refusal, Refusal::OtherVersion(version));
        assert_eq!(
            refusal.to_string(),
            format!("it has version {version} of the layout")
        );
        assert_eq!(inspect(&bytes), Err(refusal));
    }
}
