//! Bundles for disks that are thrown away.

use bareflow_bundle::{Builder, Bundle, SETTING, SNAPSHOT, TIER};

const NEVER: &[u8] = b"snapshot-every=-";
const PREFIX: &[u8] = b"snapshot-every=";

/// The bundle without snapshots: nobody would read them, and before one is written, what has run is compiled.
/// Snapshots that were asked for are written, and what is no bundle stays as it is.
pub fn without_snapshots(bytes: &[u8]) -> Vec<u8> {
    let Ok(bundle) = Bundle::open(bytes) else {
        return bytes.to_vec();
    };
    let is_chosen = bundle.entries().any(|entry| {
        matches!(entry.name, TIER | SNAPSHOT)
            || entry.name == SETTING && entry.contents.starts_with(PREFIX)
    });
    if is_chosen {
        return bytes.to_vec();
    }
    let mut builder = Builder::default();
    builder.add(SETTING, NEVER);
    for entry in bundle.entries() {
        builder.add(entry.name, entry.contents);
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(bytes: &[u8]) -> Vec<Vec<u8>> {
        let bundle = Bundle::open(bytes).unwrap();
        let settings = bundle.entries().filter(|entry| entry.name == SETTING);
        settings.map(|entry| entry.contents.to_vec()).collect()
    }

    #[test]
    fn only_what_nobody_has_chosen_is_added() {
        let mut builder = Builder::default();
        builder.add(SETTING, b"calls=1,2,3,4");
        let plain = builder.finish();
        assert_eq!(
            settings(&without_snapshots(&plain)),
            [NEVER, b"calls=1,2,3,4"]
        );
        builder.add(SETTING, b"snapshot-every=0");
        let chosen = builder.finish();
        assert_eq!(without_snapshots(&chosen), chosen);
        for name in [TIER, SNAPSHOT] {
            let mut builder = Builder::default();
            builder.add(name, b"O2");
            let bytes = builder.finish();
            assert_eq!(without_snapshots(&bytes), bytes);
        }
        assert_eq!(without_snapshots(b"nothing"), b"nothing");
    }
}
