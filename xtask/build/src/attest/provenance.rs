//! Where a package comes from: an [in-toto statement](https://github.com/in-toto/attestation/tree/main/spec/v1) with a
//! predicate of [SLSA 1.0](https://slsa.dev/spec/v1.0/provenance).

use serde_json::{Value, json};

use super::{Sources, Subject};

/// How packages are built: by the automation of this repository, from a key that holds everything it depends on.
const BUILD_TYPE: &str = "urn:bareflow:build:1";

/// The statement.
pub fn statement(subject: Subject) -> Value {
    let manifest = subject.manifest;
    let sources = Sources::of(manifest);
    let mut source = json!({"name": "llvm-project", "annotations": {"identity": manifest.source}});
    if let (Some(address), Some(sha256)) = (sources.address, sources.sha256) {
        source["uri"] = json!(address);
        source["digest"] = json!({"sha256": sha256});
    }
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject.archive, "digest": {"sha256": subject.sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "package": manifest.package.name(),
                    "version": manifest.version,
                    "target": manifest.target,
                    "profile": manifest.profile,
                },
                "internalParameters": {
                    "key": manifest.key,
                    "flags": manifest.flags,
                    "toolchain": manifest.toolchain,
                },
                "resolvedDependencies": [source],
            },
            "runDetails": {
                "builder": {
                    "id": "urn:bareflow:xtask",
                    "version": {"bareflow": env!("CARGO_PKG_VERSION")},
                },
            },
        },
    })
}
