//! The list of parts of a package, in the format [SPDX 2.3](https://spdx.github.io/spdx-spec/v2.3/).

use serde_json::{Value, json};

use super::{Sources, Subject};

/// The time that files in packages have. The document is of the package and not of the moment when it was written.
const CREATED: &str = "1970-01-01T00:00:00Z";
const LICENSE: &str = "Apache-2.0 WITH LLVM-exception";
const PACKAGE: &str = "SPDXRef-Package";
const SOURCES: &str = "SPDXRef-Sources";
const TOOLCHAIN: &str = "SPDXRef-Toolchain";

/// A part of packages: its name, and how the names of its files below `lib` begin.
struct Part {
    name: &'static str,
    files: &'static [&'static str],
    is_of_llvm: bool,
}

/// The first that fits a file is the one.
const PARTS: &[Part] = &[
    Part {
        name: "llvm",
        files: &["libLLVM"],
        is_of_llvm: true,
    },
    Part {
        name: "libcxxabi",
        files: &["libc++abi"],
        is_of_llvm: true,
    },
    Part {
        name: "libcxx",
        files: &["libc++"],
        is_of_llvm: true,
    },
    Part {
        name: "llvm-libc",
        files: &["libc.", "libm."],
        is_of_llvm: true,
    },
    Part {
        name: "bareflow",
        files: &["libbareflow"],
        is_of_llvm: false,
    },
];

impl Part {
    fn of(path: &str) -> Option<&'static Self> {
        let name = path.rsplit('/').next()?;
        PARTS
            .iter()
            .find(|part| part.files.iter().any(|start| name.starts_with(start)))
            .filter(|_| path.starts_with("lib/"))
    }

    fn id(&self) -> String {
        format!("SPDXRef-Part-{}", self.name)
    }
}

/// The document.
pub fn document(subject: Subject) -> Value {
    let manifest = subject.manifest;
    let name = manifest.identity().name();
    let sources = Sources::of(manifest);
    let parts: Vec<&Part> = PARTS
        .iter()
        .filter(|part| {
            let is_it = |found: &Part| found.name == part.name;
            manifest
                .files
                .iter()
                .any(|file| Part::of(&file.path).is_some_and(is_it))
        })
        .collect();

    let mut packages = vec![
        package(
            PACKAGE,
            &name,
            &manifest.version,
            json!({
                "packageFileName": subject.archive,
                "checksums": [checksum(subject.sha256)],
                "primaryPackagePurpose": "ARCHIVE",
            }),
        ),
        package(
            SOURCES,
            "llvm-project",
            &manifest.version,
            json!({
                "downloadLocation": sources.address.as_deref().unwrap_or("NOASSERTION"),
                "checksums": sources.sha256.map(checksum).into_iter().collect::<Vec<_>>(),
                "sourceInfo": manifest.source,
                "primaryPackagePurpose": "SOURCE",
            }),
        ),
        package(
            TOOLCHAIN,
            "toolchain",
            manifest.toolchain.lines().next().unwrap_or_default(),
            json!({"primaryPackagePurpose": "APPLICATION"}),
        ),
    ];
    let mut relationships = vec![
        relationship("SPDXRef-DOCUMENT", "DESCRIBES", PACKAGE),
        relationship(PACKAGE, "GENERATED_FROM", SOURCES),
        relationship(TOOLCHAIN, "BUILD_TOOL_OF", PACKAGE),
    ];
    for part in parts {
        let version = if part.is_of_llvm {
            &manifest.version
        } else {
            env!("CARGO_PKG_VERSION")
        };
        packages.push(package(
            &part.id(),
            part.name,
            version,
            json!({"primaryPackagePurpose": "LIBRARY"}),
        ));
        relationships.push(relationship(PACKAGE, "CONTAINS", &part.id()));
        if part.is_of_llvm {
            relationships.push(relationship(&part.id(), "GENERATED_FROM", SOURCES));
        }
    }
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("https://spdx.org/spdxdocs/{name}-{}", subject.sha256),
        "creationInfo": {
            "created": CREATED,
            "creators": [format!("Tool: bareflow-{}", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    })
}

/// A package with what all of them have, and with what is `particular`.
fn package(id: &str, name: &str, version: &str, particular: Value) -> Value {
    let mut package = json!({
        "SPDXID": id,
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": LICENSE,
        "licenseDeclared": LICENSE,
        "copyrightText": "NOASSERTION",
    });
    if let (Value::Object(package), Value::Object(particular)) = (&mut package, particular) {
        package.extend(particular);
    }
    package
}

fn checksum(sha256: &str) -> Value {
    json!({"algorithm": "SHA256", "checksumValue": sha256})
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}
