//! Trained images: the program runs hosted while its image is made, and its code is in the image's first snapshot.
//!
//! 1. Each training run is a boot of the hosted kernel from a disk that is thrown away. It leaves counts there, which go
//!    on from those of the run before.
//! 2. Then the hosted kernel compiles what they say is worth it, for the kernel of the image: nothing of that is run
//!    there, and what code knows of its kernel are addresses in the other one.
//!
//! For a program that is exported only the counts are wanted. Then all code counts, to the end of each run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bareflow_build::shell::shell;
use bareflow_bundle::{ARGUMENT, Builder, Bundle, DESTINATION, PROFILE, SEEN, SETTING, SNAPSHOT};
use bareflow_profile::flow::ControlFlow;
use bareflow_snapshot::{Destination, Series, inspect_newest};
use bareflow_tier_policy::Level;
use bareflow_volume::{Partition, Volume, VolumeError};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use crate::disk::{self, DATA_DISK_SIZE_BYTES, FileDisk};
use crate::error::{Error, Result, system};
use bareflow_build::process::{Input, Output, Recorder, Streams};
use bareflow_build::temporary::TemporaryFolder;
use bareflow_run::launch::Runner;

/// How much of what a kernel says is kept.
const RECORD_LIMIT_BYTES: usize = 1 << 20;
/// How a kernel's own errors begin.
const ERROR: &str = "bareflow: error: ";
/// Bounds of the kernel's build id.
const BUILD_ID: [&str; 2] = ["__build_id_start", "__build_id_end"];

/// The code that an image is booted with keeps its counts; none is made for later boots.
const FOR_IMAGES: &[&str] = &["snapshot-every=-"];
/// Everything is compiled at O1, and at nothing else: code there counts what it does, and each function all of it.
const FOR_COUNTS: &[&str] = &[
    "policy=counts",
    "calls=-,0,-,-",
    "iterations=-,-,-,-",
    "guided=1",
    "snapshot-every=-",
];

/// Runs of a program before it is used.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// In order.
    pub runs: Vec<TrainingRun>,
    /// How long one run may take.
    pub timeout: Duration,
}

/// What an image is to know when it is booted first.
#[derive(Clone, Debug)]
pub struct Training {
    /// Runs of the program.
    pub runs: Runs,
    /// At which level everything is compiled that may be called, whether it has run or not.
    pub precompile: Option<Level>,
    /// The level of the psABI that the image's processor has.
    pub processor: String,
}

/// A run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingRun {
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it reads from standard input; nothing if there is no such file.
    pub input: Option<PathBuf>,
}

impl Runs {
    /// The counts that these runs of the program in `bundle` leave, as a snapshot; `hosted` is the kernel.
    ///
    /// # Errors
    /// That a run has failed, or that there are no snapshots of such a program.
    pub fn counts(&self, bundle: &[u8], hosted: &Path) -> Result<Vec<u8>> {
        let place = Place::new(hosted)?;
        let bundle = Bundle::open(bundle).expect("it was just built");
        self.run(&bundle, &place, FOR_COUNTS)?;
        place.snapshot(Series::Counts)
    }

    fn run(&self, bundle: &Bundle, place: &Place, settings: &[&str]) -> Result<()> {
        for (run, number) in self.runs.iter().zip(1..) {
            let bytes = changed(bundle, Some(&run.arguments), |builder| {
                for setting in settings {
                    builder.add(SETTING, setting.as_bytes());
                }
            });
            let input = match &run.input {
                None => Input::Empty,
                Some(path) => Input::File(
                    File::open(path).map_err(system(format!("cannot read {}", path.display())))?,
                ),
            };
            let what = format!("training run {number}");
            place.run(&bytes, input, self.timeout, &what, None)?;
        }
        Ok(())
    }
}

/// How control went in the program in `bundle`, as the counts in `snapshot` have it; `hosted` is the kernel that knows
/// what they mean.
///
/// # Errors
/// That the snapshot is of another program, or damaged.
pub fn control_flow(
    bundle: &[u8],
    snapshot: &[u8],
    hosted: &Path,
    timeout: Duration,
) -> Result<ControlFlow> {
    let place = Place::new(hosted)?;
    let bundle = Bundle::open(bundle).expect("it was just built");
    let bytes = changed(&bundle, None, |builder| {
        builder.add(SETTING, b"guided=1");
        builder.add(SEEN, snapshot);
    });
    let output = place.folder.path().join("flow");
    let what = "reading what the snapshot has seen";
    place.run(&bytes, Input::Empty, timeout, what, Some(&output))?;
    let text = fs::read(&output)?;
    serde_json::from_slice(&text).map_err(|error| Error::build(format!("{what}: {error}")))
}

impl Training {
    /// Whether there is nothing to be done.
    pub fn is_empty(&self) -> bool {
        self.runs.runs.is_empty() && self.precompile.is_none()
    }

    /// The first snapshot of an image that has this bundle and the kernel `machine`; `hosted` is the kernel that it is
    /// made with.
    ///
    /// # Errors
    /// That a run has failed, or that there are no snapshots of such a program.
    pub fn run(&self, bundle: &[u8], hosted: &Path, machine: &Path) -> Result<Vec<u8>> {
        let place = Place::new(hosted)?;
        let bundle = Bundle::open(bundle).expect("it was just built");
        self.runs.run(&bundle, &place, FOR_IMAGES)?;
        let kernel = shell()?.read_binary_file(machine)?;
        let file = object::File::parse(&*kernel)
            .map_err(|error| Error::build(format!("{}: {error}", machine.display())))?;
        let destination = self.destination(&file).ok_or_else(|| {
            Error::build(format!("{} is no kernel of the machine", machine.display()))
        })?;
        let bytes = changed(&bundle, None, |builder| {
            builder.add(DESTINATION, destination.encode().as_bytes());
        });
        place.run(
            &bytes,
            Input::Empty,
            self.runs.timeout,
            "compiling for the image",
            None,
        )?;
        place.snapshot(Series::Code)
    }

    fn destination<'a>(&'a self, kernel: &object::File<'a>) -> Option<Destination<'a>> {
        Some(Destination {
            kernel_build_id: build_id(kernel)?,
            processor: &self.processor,
            precompile: self.precompile,
            symbols: symbols(kernel),
        })
    }
}

/// The bundle for another purpose: without what it asks for at the end of a run, with what `add` adds, and with other
/// arguments behind the program's name if there are some.
fn changed(
    bundle: &Bundle,
    arguments: Option<&[String]>,
    add: impl FnOnce(&mut Builder),
) -> Vec<u8> {
    let mut builder = Builder::default();
    let mut is_named = false;
    for entry in bundle.entries() {
        match entry.name {
            PROFILE | SNAPSHOT => {}
            ARGUMENT if is_named && arguments.is_some() => {}
            ARGUMENT => {
                builder.add(ARGUMENT, entry.contents);
                is_named = true;
            }
            _ => {
                builder.add(entry.name, entry.contents);
            }
        }
    }
    for argument in arguments.into_iter().flatten() {
        builder.add(ARGUMENT, argument.as_bytes());
    }
    add(&mut builder);
    builder.finish()
}

/// The kernel's build id, as the kernel itself reads it: the last bytes of its note.
fn build_id(kernel: &object::File) -> Option<[u8; 32]> {
    let [start, end] = BUILD_ID.map(|name| Some(kernel.symbol_by_name(name)?.address()));
    let (start, end) = (start?, end?);
    let section = kernel
        .sections()
        .find(|section| (section.address()..section.address() + section.size()).contains(&start))?;
    let note = section.data_range(start, end.checked_sub(start)?).ok()??;
    let mut id = [0; 32];
    let tail = &note[note.len().saturating_sub(id.len())..];
    id[..tail.len()].copy_from_slice(tail);
    Some(id)
}

/// What code may know by its address: the kernel's variables, and its functions whose names are those of C.
fn symbols<'a>(kernel: &object::File<'a>) -> BTreeMap<&'a str, u64> {
    let is_wanted = |symbol: &object::Symbol<'a, '_>| {
        let is_mangled = symbol
            .name()
            .is_ok_and(|name| name.starts_with("_Z") || name.starts_with("_R"));
        let kinds = [SymbolKind::Data, SymbolKind::Text, SymbolKind::Unknown];
        symbol.is_global()
            && symbol.is_definition()
            && !is_mangled
            && kinds.contains(&symbol.kind())
    };
    let symbols = kernel.symbols().filter(is_wanted);
    let named = symbols.filter_map(|symbol| Some((symbol.name().ok()?, symbol.address())));
    named
        .filter(|(name, _)| !name.contains(char::is_whitespace))
        .collect()
}

/// Where training happens.
struct Place<'a> {
    kernel: &'a Path,
    folder: TemporaryFolder,
    bundle: PathBuf,
    disk: PathBuf,
}

impl<'a> Place<'a> {
    fn new(kernel: &'a Path) -> Result<Self> {
        let folder = TemporaryFolder::new("train")?;
        let place = Self {
            kernel,
            bundle: folder.path().join("bundle"),
            disk: folder.path().join("disk.img"),
            folder,
        };
        disk::write_data_disk(&place.disk, DATA_DISK_SIZE_BYTES)?;
        Ok(place)
    }

    fn run(
        &self,
        bundle: &[u8],
        input: Input,
        timeout: Duration,
        what: &str,
        profile: Option<&Path>,
    ) -> Result<()> {
        fs::write(&self.bundle, bundle)?;
        let kernel = Runner::Hosted {
            executable: self.kernel.into(),
            bundle: self.bundle.clone(),
            memory_mib: None,
            disk: Some(self.disk.clone()),
        };
        let log = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let streams = Streams {
            input,
            output: Output::To(io::sink()),
            errors: Output::To(log.clone()),
        };
        let ending = kernel.run_with(timeout, streams, profile)?;
        let log = String::from_utf8_lossy(&log.bytes()).into_owned();
        let has_failed = ending.note.is_some() || log.lines().any(|line| line.starts_with(ERROR));
        if !has_failed && ending.code == 0 {
            return Ok(());
        }
        // What it has said is shown as it is.
        let _ = io::stderr().write_all(log.as_bytes());
        if !has_failed {
            eprintln!(
                "bareflow: note: {what} has ended with status {}",
                ending.code
            );
            return Ok(());
        }
        ending.explain();
        Err(Error::build(format!("{what} has failed")))
    }

    /// The newest snapshot of a series that was written.
    fn snapshot(&self, series: Series) -> Result<Vec<u8>> {
        let disk = File::open(&self.disk).and_then(FileDisk::new)?;
        let read = || -> std::result::Result<_, VolumeError> {
            let mut volume = Volume::mount(Partition::find_fat16(disk)?)?;
            inspect_newest(&mut volume, series, |_, _| ())
        };
        match read() {
            Ok(Some(snapshot)) => Ok(snapshot.bytes().to_vec()),
            Ok(None) => Err(Error::build("training has left no snapshot")),
            Err(error) => Err(Error::build(format!("the training's disk: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_its_own_arguments_and_asks_for_nothing() {
        let mut builder = Builder::default();
        builder.add(PROFILE, b"");
        builder.add(ARGUMENT, b"program");
        builder.add(ARGUMENT, b"old");
        builder.add("module/a.bc", b"BC");
        let bytes = builder.finish();
        let bundle = Bundle::open(&bytes).unwrap();
        let entries = |bytes: &[u8]| -> Vec<(String, Vec<u8>)> {
            let bundle = Bundle::open(bytes).unwrap();
            let entries = bundle.entries();
            entries
                .map(|entry| (entry.name.to_owned(), entry.contents.to_vec()))
                .collect()
        };
        let entry = |name: &str, contents: &[u8]| (name.to_owned(), contents.to_vec());
        let arguments = ["new".to_owned(), String::new()];
        assert_eq!(
            entries(&changed(&bundle, Some(&arguments), |_| ())),
            [
                entry(ARGUMENT, b"program"),
                entry("module/a.bc", b"BC"),
                entry(ARGUMENT, b"new"),
                entry(ARGUMENT, b""),
            ]
        );
        let kept = entries(&changed(&bundle, None, |builder| {
            builder.add(SETTING, b"x");
        }));
        assert_eq!(
            kept,
            [
                entry(ARGUMENT, b"program"),
                entry(ARGUMENT, b"old"),
                entry("module/a.bc", b"BC"),
                entry(SETTING, b"x"),
            ]
        );
    }
}
