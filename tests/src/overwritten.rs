//! Programs that overwrite the kernel they run in: that is neither a good ending nor an endless one, and nothing of it is
//! remembered.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use object::{Object, ObjectSymbol};

use super::runner::{Outcome, Test};
use super::snapshots::DataDisk;
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_image::program::{Program, Tier, TierOptions};

/// What is overwritten: from the first symbol whose name has this in it, to another or for so many bytes.
struct Target {
    name: &'static str,
    start: &'static str,
    end: End,
}

enum End {
    Symbol(&'static str),
    Bytes(u64),
}

const HOSTED: &[Target] = &[
    Target {
        name: "llvm_data",
        start: "__llvm_data_start",
        end: End::Symbol("__llvm_data_end"),
    },
    Target {
        name: "llvm_bss",
        start: "__llvm_bss_start",
        end: End::Symbol("__llvm_bss_end"),
    },
    Target {
        name: "kernel_data",
        start: "__llvm_data_end",
        end: End::Symbol("__llvm_bss_start"),
    },
    Target {
        name: "kernel_bss",
        start: "__llvm_bss_end",
        end: End::Symbol("__image_end"),
    },
    Target {
        name: "heap",
        start: "4heap4HEAP",
        end: End::Bytes(512),
    },
    Target {
        name: "compilers_heap",
        start: "5arena5ARENA",
        end: End::Bytes(4096),
    },
];

const MACHINE: &[Target] = &[
    Target {
        name: "llvm_data",
        start: "__llvm_data_start",
        end: End::Symbol("__llvm_data_end"),
    },
    Target {
        name: "kernel_data",
        start: "__data_start",
        end: End::Symbol("__bss_start"),
    },
    Target {
        name: "kernel_bss",
        start: "__bss_start",
        end: End::Symbol("__bss_end"),
    },
];

/// Where counters, slots and stubs are, by the engine's layout: the first pages of the code pool.
const TABLES: (u64, u64) = (0x4000_0000, 0x4000_1000);

const BYTES: [&str; 2] = ["0", "255"];
const TIMEOUT_CODE: u8 = 113;

type Check = Box<dyn Fn(&Subject) -> Result<(), String> + Send>;

/// The tests of such programs.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let mut tests = Vec::new();
    let mut add = |name: String, check: Check| {
        let subject = Arc::clone(subject);
        tests.push(Test::new(
            format!("cases::overwritten::{name}"),
            move || Outcome::from(check(&subject)),
        ));
    };
    for target in HOSTED {
        add(
            format!("{}::hosted", target.name),
            Box::new(|subject| {
                let range = find(&subject.hosted_kernel()?, target)?;
                check_hosted(subject, range)
            }),
        );
    }
    add(
        "nothing::hosted".into(),
        Box::new(|subject| {
            for tier in Tier::ALL {
                let bundle = bundle(subject, (0, 0), "0", tier, &[])?;
                let run = subject.run(Place::Hosted, &bundle, Conditions::default())?;
                if run.ending.code != 0 {
                    return Err(run.describe());
                }
            }
            Ok(())
        }),
    );
    add(
        "tables::hosted".into(),
        Box::new(|subject| check_hosted(subject, TABLES)),
    );
    for target in MACHINE {
        add(
            format!("{}::machine", target.name),
            Box::new(|subject| {
                let range = find(&subject.machine_kernel()?, target)?;
                for byte in BYTES {
                    let bundle = bundle(subject, range, byte, Tier::Auto, &[])?;
                    expect_bad_end(&subject.run(Place::Pvh, &bundle, Conditions::default())?)
                        .map_err(|error| format!("byte {byte}: {error}"))?;
                }
                Ok(())
            }),
        );
    }
    tests
}

fn find(kernel: &Path, target: &Target) -> Result<(u64, u64), String> {
    let data = fs::read(kernel).map_err(|error| error.to_string())?;
    let file = object::File::parse(&*data).map_err(|error| error.to_string())?;
    let address = |wanted: &str| {
        file.symbols()
            .find(|symbol| symbol.name().is_ok_and(|name| name.contains(wanted)))
            .map(|symbol| symbol.address())
            .ok_or_else(|| format!("{} has no symbol {wanted}", kernel.display()))
    };
    let start = address(target.start)?;
    let end = match target.end {
        End::Symbol(name) => address(name)?,
        End::Bytes(count) => start + count,
    };
    Ok((start, end))
}

fn bundle(
    subject: &Subject,
    (start, end): (u64, u64),
    byte: &str,
    tier: Tier,
    settings: &[&str],
) -> Result<Vec<u8>, String> {
    let path = subject.context.root.join("tests/fixtures/overwrites.c");
    let program = Program::build(&[path], &subject.compiler).map_err(|error| error.to_string())?;
    let arguments = [format!("{start:#x}"), format!("{end:#x}"), byte.to_owned()];
    let options = TierOptions {
        settings: settings.iter().copied().map(str::to_owned).collect(),
        ..TierOptions::default()
    };
    Ok(program.bundle_with(&arguments, tier, &options))
}

fn check_hosted(subject: &Subject, range: (u64, u64)) -> Result<(), String> {
    for byte in BYTES {
        for tier in [Tier::O2, Tier::Interpreter] {
            let bundle = bundle(subject, range, byte, tier, &[])?;
            expect_bad_end(&subject.run(Place::Hosted, &bundle, Conditions::default())?)
                .map_err(|error| format!("{}, byte {byte}: {error}", tier.name()))?;
        }
        let disk = DataDisk::new(subject, super::snapshots::SIZE_MIB)?;
        let bundle = bundle(subject, range, byte, Tier::Auto, &["snapshot-every=0"])?;
        let run = subject.run_executable(subject.hosted_kernel()?, &bundle, Some(disk.path()))?;
        expect_bad_end(&run).map_err(|error| format!("auto, byte {byte}: {error}"))?;
        let names = disk.names().unwrap_or_default();
        if !names.is_empty() {
            return Err(format!("it left {}\n{}", names.join(", "), run.describe()));
        }
    }
    Ok(())
}

fn expect_bad_end(run: &Run) -> Result<(), String> {
    match run.ending.code {
        0 | TIMEOUT_CODE => Err(run.describe()),
        _ => Ok(()),
    }
}
