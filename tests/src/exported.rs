//! Exported programs: they do what the engine makes of the same programs, in little room.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bareflow_bundle::Bundle;
use bareflow_protocol::report::Counters;
use bareflow_snapshot::{Authentication, Function, Keys, Profile, Snapshot, encode};
use bareflow_tier_policy::{Kind, Level};
use bareflow_volume::ram_disk::RamDisk;
use bareflow_volume::{Partition, Timestamp, Volume};
use iced_x86::{Decoder, DecoderOptions, Instruction};
use object::{Object, ObjectSection, ObjectSymbol};

use super::bad_input::messages;
use super::examples::{self, Example, difference};
use super::runner::{Check, Outcome, Test};
use super::subject::{Conditions, Place, Run, Subject};
use bareflow_build::kernel::KernelKind;
use bareflow_build::process::Recorder;
use bareflow_image::disk::{ImageFile, ImageSize};
use bareflow_image::export::{self, ExportError, Guidance};
use bareflow_image::program::{Program, Tier};
use bareflow_image::training::{Runs, TrainingRun, control_flow};
use bareflow_run::qemu::{self, Boot, Console, Drive, Machine, Processors, Verdict};

/// The most that an exported example may take on the disk, and of memory.
const IMAGE_LIMIT_BYTES: u64 = 1_000_000;
const MEMORY_LIMIT_BYTES: u64 = 20 << 20;
/// The machine has no more memory than that.
const MEMORY_MIB: u32 = 20;
const TIMEOUT: Duration = Duration::from_secs(240);
const RECORD_LIMIT_BYTES: usize = 1 << 20;

/// Programs whose ends are compared with those in the engine, with their arguments and the words that a message
/// must have.
pub(super) const ENDINGS: &[(&str, &[&str], &[&str])] = &[
    ("lifetime.c", &["an argument", ""], &[]),
    ("leaves_at_once.c", &[], &[]),
    ("void_main.c", &[], &[]),
    ("abort.c", &[], &["abort"]),
    ("assertion.c", &[], &["argc == 1000", "assertion.c"]),
    ("null_dereference.c", &[], &["null", "in function"]),
    ("library_fault.c", &[], &["null", "in function"]),
    (
        "division_by_zero.c",
        &[],
        &["division by zero", "in function"],
    ),
    ("stack_overflow.c", &[], &["stack overflow", "in function"]),
];

/// Programs that cannot be exported, and what the error says.
const REFUSED: &[(&str, &str)] = &[
    ("no_main.c", "no function 'main'"),
    ("unresolved.c", "first_missing"),
    ("malformed.ll", "malformed.ll"),
    ("other_target.ll", "aarch64-unknown-linux-gnu"),
];

/// The tests of exported programs.
///
/// # Errors
/// That the examples cannot be read.
pub fn tests(subject: &Arc<Subject>) -> io::Result<Vec<Test>> {
    let mut tests = Vec::new();
    for example in examples::find(&subject.context.root.join("examples"))? {
        let subject = Arc::clone(subject);
        let name = format!("export::examples::{}", example.name);
        tests.push(Test::new(name, move || {
            Outcome::from(check_example(&subject, &example))
        }));
    }
    for &(fixture, arguments, words) in ENDINGS {
        let subject = Arc::clone(subject);
        let name = format!("export::endings::{}", stem(fixture));
        tests.push(Test::new(name, move || {
            Outcome::from(check_ending(&subject, fixture, arguments, words))
        }));
    }
    for &(fixture, words) in REFUSED {
        let subject = Arc::clone(subject);
        let name = format!("export::refused::{}", stem(fixture));
        tests.push(Test::new(name, move || {
            Outcome::from(check_refused(&subject, fixture, words))
        }));
    }
    let others: [(&str, Check<Subject>); 5] = [
        ("as_a_process", check_process),
        ("from_an_image", check_from_image),
        ("the_profile_counts", check_guidance),
        ("usual_targets", check_usual_targets),
        ("bad_profiles", check_bad_profiles),
    ];
    tests.extend(Test::of_checks("export", subject, &others));
    Ok(tests)
}

fn stem(file: &str) -> &str {
    file.split_once('.').map_or(file, |(stem, _)| stem)
}

pub(super) fn text(error: impl ToString) -> String {
    error.to_string()
}

pub(super) fn fixture(subject: &Subject, name: &str) -> Result<Program, String> {
    let path = subject.context.root.join("tests/fixtures").join(name);
    Program::build(&[path], &subject.compiler).map_err(text)
}

/// An exported program.
pub(super) struct Exported {
    kernel: PathBuf,
    image: PathBuf,
}

impl Exported {
    /// Its files, which are not there yet.
    pub(super) fn fresh(subject: &Subject) -> Self {
        Self {
            kernel: subject.fresh_path("native"),
            image: subject.fresh_path("native.img"),
        }
    }

    pub(super) fn kernel(&self) -> &Path {
        &self.kernel
    }

    pub(super) fn image_bytes(&self) -> Result<u64, String> {
        Ok(fs::metadata(&self.image).map_err(text)?.len())
    }

    /// Exports the program in `bundle`.
    ///
    /// # Errors
    /// Why it cannot be exported.
    pub(super) fn of(
        subject: &Subject,
        bundle: &[u8],
        guidance: Option<&Guidance>,
    ) -> Result<Self, ExportError> {
        let exported = Self::fresh(subject);
        let bundle = Bundle::open(bundle).expect("the bundle was made here");
        export::build_kernel(
            &subject.context,
            &bundle,
            guidance,
            None,
            KernelKind::Native,
            &exported.kernel,
        )?;
        let bundle = export::without_modules(&bundle);
        exported.write_image(subject, &bundle, ImageSize::Smallest)?;
        Ok(exported)
    }

    pub(super) fn write_image(
        &self,
        subject: &Subject,
        bundle: &[u8],
        size: ImageSize,
    ) -> Result<(), ExportError> {
        let written = subject
            .context
            .write_image(&self.kernel, bundle, size, &self.image);
        written.map_err(|error| ExportError::BadProgram(error.to_string()))
    }

    /// Boots the image in a machine with so much memory.
    ///
    /// # Errors
    /// That it did not come to its end.
    pub(super) fn run(
        &self,
        subject: &Subject,
        memory_mib: u32,
    ) -> Result<(Run, Counters), String> {
        let machine = Machine {
            qemu: subject.context.tools.qemu.clone(),
            memory_mib,
            processors: Processors::default(),
            counts_instructions: false,
            console: Console::default(),
            boot: Boot::Disk(Drive::new(&self.image)),
        };
        let output = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let log = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let (verdict, report) =
            qemu::boot(&machine, TIMEOUT, output.clone(), log.clone()).map_err(text)?;
        let log = String::from_utf8_lossy(&log.bytes()).into_owned();
        let (Verdict::Ended(code), Some(counters)) = (verdict, report.counters) else {
            return Err(format!("{verdict}\n{log}"));
        };
        let run = Run::ended(code, output.bytes(), log);
        Ok((run, counters))
    }

    /// How many instructions of the function `caller` call or go to the function `callee`.
    fn direct_calls(&self, caller: &str, callee: &str) -> Result<usize, String> {
        let data = fs::read(&self.kernel).map_err(text)?;
        let file = object::File::parse(&*data).map_err(text)?;
        let find = |name: &str| {
            let found = file.symbols().find(|symbol| symbol.name() == Ok(name));
            found.ok_or_else(|| format!("there is no function {name}"))
        };
        let (caller, callee) = (find(caller)?, find(callee)?.address());
        let mut sections = file.sections();
        let code = sections
            .find_map(|section| section.data_range(caller.address(), caller.size()).ok()?)
            .ok_or("the function has no code")?;
        let decoder = Decoder::with_ip(64, code, caller.address(), DecoderOptions::NONE);
        let is_there = |instruction: &Instruction| instruction.near_branch_target() == callee;
        Ok(decoder.into_iter().filter(is_there).count())
    }

    /// The sizes of the functions whose names begin so.
    fn function_bytes(&self, name: &str) -> Result<u64, String> {
        let data = fs::read(&self.kernel).map_err(text)?;
        let file = object::File::parse(&*data).map_err(text)?;
        Ok(file
            .symbols()
            .filter(|symbol| symbol.name() == Ok(name))
            .map(|symbol| symbol.size())
            .sum())
    }
}

fn check_example(subject: &Subject, example: &Example) -> Result<(), String> {
    let program = Program::build(&example.sources, &subject.compiler).map_err(text)?;
    let exported = Exported::of(subject, &program.bundle(&[], Tier::Auto), None).map_err(text)?;
    let (run, counters) = exported.run(subject, MEMORY_MIB)?;
    if run.ending.code != 0 {
        return Err(run.describe());
    }
    if let Some(text) = difference(&example.expected, &run.output) {
        return Err(text);
    }
    at_most("the image", exported.image_bytes()?, IMAGE_LIMIT_BYTES)?;
    at_most("memory", counters.peak_memory_bytes, MEMORY_LIMIT_BYTES)
}

pub(super) fn at_most(what: &str, bytes: u64, limit_bytes: u64) -> Result<(), String> {
    if bytes <= limit_bytes {
        return Ok(());
    }
    Err(format!("{what}: {bytes} bytes, more than {limit_bytes}"))
}

/// Output and status must be those in the engine; a message must be there or not, as in the engine.
fn check_ending(
    subject: &Subject,
    name: &str,
    arguments: &[&str],
    words: &[&str],
) -> Result<(), String> {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let bundle = fixture(subject, name)?.bundle(&arguments, Tier::O2);
    let model = subject.run(Place::Hosted, &bundle, Conditions::default())?;
    let (run, _) = Exported::of(subject, &bundle, None)
        .map_err(text)?
        .run(subject, MEMORY_MIB)?;
    if run.ending.code != model.ending.code {
        return Err(format!(
            "expected status {}\n{}",
            model.ending.code,
            run.describe()
        ));
    }
    if let Some(text) = difference(&model.output, &run.output) {
        return Err(text);
    }
    let (expected, found) = (messages(&model), messages(&run));
    let has_words = words
        .iter()
        .all(|word| found.iter().any(|text| text.contains(word)));
    if expected.len() == found.len() && has_words {
        return Ok(());
    }
    Err(format!("the engine says {expected:?}\n{}", run.describe()))
}

fn check_refused(subject: &Subject, name: &str, words: &str) -> Result<(), String> {
    let bundle = fixture(subject, name)?.bundle(&[], Tier::Auto);
    match Exported::of(subject, &bundle, None) {
        Err(error) if error.to_string().contains(words) => Ok(()),
        Err(error) => Err(format!("the error does not say \"{words}\": {error}")),
        Ok(_) => Err("it was exported".into()),
    }
}

/// The size of an image that stands for one that has run: with a program and room for snapshots.
const SOURCE_IMAGE_BYTES: u64 = 32 << 20;

/// A program in the boot partition of an image, and a snapshot in its volume.
fn source_image(subject: &Subject, snapshot: Option<&Snapshot>) -> Result<Exported, String> {
    let bundle = fixture(subject, "guided.c")?.bundle(&["one".into()], Tier::Auto);
    let exported = Exported::of(subject, &bundle, None).map_err(text)?;
    exported
        .write_image(subject, &bundle, ImageSize::Bytes(SOURCE_IMAGE_BYTES))
        .map_err(text)?;
    if let Some(snapshot) = snapshot {
        let bytes = encode(snapshot, Authentication::None);
        add_snapshot(&exported.image, &bytes)?;
    }
    Ok(exported)
}

fn add_snapshot(image: &Path, bytes: &[u8]) -> Result<(), String> {
    let disk = RamDisk::new(fs::read(image).map_err(text)?);
    let partition = Partition::find_fat16(disk).map_err(text)?;
    let mut volume = Volume::mount(partition).map_err(text)?;
    let folder = volume
        .open_folder(bareflow_snapshot::FOLDER)
        .map_err(text)?;
    volume
        .create(folder, "boot_001.snap", bytes, Timestamp::FIRST)
        .map_err(text)?;
    let disk = volume.into_device().into_device();
    fs::write(image, disk.contents()).map_err(text)
}

fn snapshot() -> Snapshot<'static> {
    let function = |name, tier, calls| Function {
        name,
        kind: Kind::Function,
        tier,
        tried: [false; bareflow_tier_policy::LEVELS.len()],
        loops: None,
        calls,
        cycles: None,
        code_address: 0,
        code_bytes: 0,
        seen_address: 0,
        seen: &[],
    };
    let mut hot = function(
        "step",
        bareflow_tier_policy::Tier::Native(Level::O3),
        60_000,
    );
    hot.code_address = POOL_ADDRESS;
    hot.code_bytes = CODE.len() as u64;
    Snapshot {
        keys: Keys {
            kernel_build_id: [1; 32],
            program_hash: [2; 32],
            cpu_features: "",
            llvm_version: "18.1.8",
            configuration: "",
        },
        functions: vec![
            function("complain", bareflow_tier_policy::Tier::Interpreter, 0),
            function("main", bareflow_tier_policy::Tier::Interpreter, 1),
            hot,
        ],
        imports: Vec::new(),
        allocations: Vec::new(),
        anchors: Vec::new(),
        code: vec![bareflow_snapshot::Region {
            address: POOL_ADDRESS,
            access: bareflow_snapshot::Access::ReadExecute,
            size_bytes: CODE.len() as u64,
            bytes: CODE,
        }],
        data: Vec::new(),
        profile: Profile {
            boots: 3,
            ..Profile::default()
        },
    }
}

const POOL_ADDRESS: u64 = bareflow_protocol::pool::ADDRESS as u64;
const CODE: &[u8] = &[0xc3];

/// An image is exported with its own program and arguments; what was exported has none any more.
fn check_from_image(subject: &Subject) -> Result<(), String> {
    let source = source_image(subject, None)?;
    let image = ImageFile::open(&source.image).map_err(text)?;
    if Guidance::of_image(&image).map_err(text)?.is_some() {
        return Err("a snapshot was found where none is".into());
    }
    let bundle = export::bundle_of(&image).map_err(text)?;
    let exported = Exported::of(subject, &bundle, None).map_err(text)?;
    let (run, _) = exported.run(subject, MEMORY_MIB)?;
    let model = subject.run(Place::Hosted, &bundle, Conditions::default())?;
    if run.ending.code != 0 || run.output != model.output {
        return Err(run.describe());
    }
    let native = ImageFile::open(&exported.image).map_err(text)?;
    match export::bundle_of(&native) {
        Err(ExportError::NoProgram { .. }) => Ok(()),
        other => Err(format!("the exported image has a program: {other:?}")),
    }
}

/// With a snapshot, what was never called is small, and what is called most is where it is called.
fn check_guidance(subject: &Subject) -> Result<(), String> {
    let source = source_image(subject, Some(&snapshot()))?;
    let image = ImageFile::open(&source.image).map_err(text)?;
    let guidance = Guidance::of_image(&image)
        .map_err(text)?
        .ok_or("the snapshot was not found")?;
    let bundle = export::bundle_of(&image).map_err(text)?;
    let plain = Exported::of(subject, &bundle, None).map_err(text)?;
    let guided = Exported::of(subject, &bundle, Some(&guidance)).map_err(text)?;
    let sizes = |name: &str| -> Result<[u64; 2], String> {
        Ok([plain.function_bytes(name)?, guided.function_bytes(name)?])
    };
    let [cold_plain, cold_guided] = sizes("complain")?;
    if cold_guided == 0 || cold_guided * 2 > cold_plain {
        return Err(format!(
            "the cold function has {cold_guided} bytes, without the profile {cold_plain}"
        ));
    }
    let [hot_plain, hot_guided] = sizes("step")?;
    if hot_plain == 0 || hot_guided != 0 {
        return Err(format!(
            "the hot function is not inlined because of the profile: {hot_guided} bytes, without it {hot_plain}"
        ));
    }
    let (first, _) = plain.run(subject, MEMORY_MIB)?;
    let (second, _) = guided.run(subject, MEMORY_MIB)?;
    difference(&first.output, &second.output).map_or(Ok(()), Err)
}

/// What a run of the program in `bundle` with this argument leaves, as a snapshot.
fn trained(subject: &Subject, bundle: &[u8], argument: &str) -> Result<Vec<u8>, String> {
    let runs = Runs {
        runs: vec![TrainingRun {
            arguments: vec![argument.to_owned()],
            input: None,
        }],
        timeout: TIMEOUT,
    };
    runs.counts(bundle, &subject.hosted_kernel()?).map_err(text)
}

/// Where calls by address usually led is called directly, and the other ways are still there.
fn check_usual_targets(subject: &Subject) -> Result<(), String> {
    let bundle = fixture(subject, "profiled.c")?.bundle(&["1000".into()], Tier::Auto);
    let mut guidance = Guidance::of_training(&trained(subject, &bundle, "10000")?);
    let hosted = subject.hosted_kernel()?;
    let flow = control_flow(&bundle, guidance.snapshot(), &hosted, TIMEOUT);
    guidance.take(flow.map_err(text)?);
    let plain = Exported::of(subject, &bundle, None).map_err(text)?;
    let guided = Exported::of(subject, &bundle, Some(&guidance)).map_err(text)?;
    let calls = |callee: &str| -> Result<[usize; 2], String> {
        Ok([
            plain.direct_calls("run", callee)?,
            guided.direct_calls("run", callee)?,
        ])
    };
    let (usual, rare) = (calls("usual")?, calls("rare")?);
    if usual[0] != 0 || usual[1] == 0 || rare != [0, 0] {
        return Err(format!(
            "direct calls without and with the profile: {usual:?} of the usual target, {rare:?} of the rare one"
        ));
    }
    let model = subject.run(Place::Hosted, &bundle, Conditions::default())?;
    for exported in [plain, guided] {
        let (run, _) = exported.run(subject, MEMORY_MIB)?;
        if let Some(text) = difference(&model.output, &run.output) {
            return Err(text);
        }
    }
    Ok(())
}

/// What was seen of another program, and what was damaged, is refused; and it is known before that it would be.
fn check_bad_profiles(subject: &Subject) -> Result<(), String> {
    let bundle = fixture(subject, "profiled.c")?.bundle(&[], Tier::Auto);
    let other = fixture(subject, "guided.c")?.bundle(&[], Tier::Auto);
    let snapshot = trained(subject, &bundle, "100")?;
    let guidance = Guidance::of_training(&snapshot);
    let is_of = |bytes: &[u8]| guidance.is_of(&Bundle::open(bytes).expect("it was made here"));
    if !is_of(&bundle) || is_of(&other) {
        return Err("the snapshot does not know of what program it is".into());
    }
    let mut damaged = snapshot.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for (what, bundle, bytes) in [
        ("another program", &other, &snapshot),
        ("a damaged snapshot", &bundle, &damaged),
        ("half a snapshot", &bundle, &snapshot[..middle].to_vec()),
        ("no snapshot", &bundle, &Vec::new()),
    ] {
        if control_flow(bundle, bytes, &subject.hosted_kernel()?, TIMEOUT).is_ok() {
            return Err(format!("{what} was taken"));
        }
    }
    Ok(())
}

/// As a Linux process it does what it does in the engine.
fn check_process(subject: &Subject) -> Result<(), String> {
    const FIXTURES: [(&str, &[&str]); 5] = [
        ("lifetime.c", &["an argument", ""]),
        ("assertion.c", &[]),
        ("null_dereference.c", &[]),
        ("stack_overflow.c", &[]),
        ("profiled.c", &["1000"]),
    ];
    for (name, arguments) in FIXTURES {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let bundle = fixture(subject, name)?.bundle(&arguments, Tier::O2);
        let model = subject.run(Place::Hosted, &bundle, Conditions::default())?;
        let opened = Bundle::open(&bundle).expect("the bundle was made here");
        let kernel = subject.fresh_path("process");
        let kind = KernelKind::NativeHosted;
        export::build_kernel(&subject.context, &opened, None, None, kind, &kernel).map_err(text)?;
        let run = subject.run_executable(kernel, &export::without_modules(&opened), None)?;
        if run.ending.code != model.ending.code {
            let code = model.ending.code;
            return Err(format!(
                "{name}: expected status {code}\n{}",
                run.describe()
            ));
        }
        if let Some(text) = difference(&model.output, &run.output) {
            return Err(format!("{name}: {text}"));
        }
        if messages(&run).len() != messages(&model).len() {
            return Err(format!(
                "{name}: {:?}\n{}",
                messages(&model),
                run.describe()
            ));
        }
    }
    Ok(())
}
