//! Images whose kernel has a code generator and no LLVM: programs do there what the engine makes of them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bareflow_build::kernel::JitGenerator;
use bareflow_bundle::Bundle;
use bareflow_image::disk::ImageSize;
use bareflow_image::export::{self, DEFAULT_PROMOTION, JitProgram, Translated};
use bareflow_image::program::{Program, Tier};
use bareflow_protocol::exit_code;
use object::{Object, ObjectSection, ObjectSymbol};

use super::bad_input::messages;
use super::cranelift::program;
use super::examples::{self, difference};
use super::exported::{ENDINGS, Exported, at_most, fixture, text};
use super::matrix::expect;
use super::runner::{Check, Test};
use super::subject::{Conditions, Place, Run, Subject};

/// What the kernel and a small program may take on the disk, by the generator, and of memory.
const IMAGE_LIMITS_BYTES: [(JitGenerator, u64); 3] = [
    (JitGenerator::Cranelift, 5_000_000),
    (JitGenerator::Mir, 1_500_000),
    (JitGenerator::Qbe, 1_500_000),
];
const MEMORY_LIMIT_BYTES: u64 = 32 << 20;
const MEMORY_MIB: u32 = 40;
/// How a program is compiled.
#[derive(Clone, Copy)]
struct Way {
    generator: JitGenerator,
    promotion: u32,
}

const BY_DEFAULT: Way = Way {
    generator: JitGenerator::Cranelift,
    promotion: DEFAULT_PROMOTION,
};
/// Everything is compiled by the optimiser as soon as it has run once, and left in the middle of its loops.
const AT_ONCE: Way = Way {
    promotion: 0,
    ..BY_DEFAULT
};
const MIR: Way = Way {
    generator: JitGenerator::Mir,
    ..BY_DEFAULT
};
const QBE: Way = Way {
    generator: JitGenerator::Qbe,
    ..BY_DEFAULT
};
/// Examples that run long enough for the optimiser to compile some of them.
const LONG: &[&str] = &["binary_trees", "json", "matmul", "nbody", "sha256"];
/// What is said in other words: names of the kernel's own functions are known to machines alone, and Cranelift's code
/// divides only by what can be divided by, and stops at an invalid instruction otherwise.
const OTHERWISE_SAID: [(&str, &str); 2] = [
    ("library_fault.c", "in function"),
    ("division_by_zero.c", "division by zero"),
];
/// How many times the program in an image is damaged.
const DAMAGES: usize = 24;

/// The tests of images without LLVM.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 9] = [
        ("examples::at_once", |subject| {
            check_examples(subject, "examples", AT_ONCE, &[])
        }),
        ("examples::by_default", |subject| {
            check_examples(subject, "examples", BY_DEFAULT, LONG)
        }),
        ("examples::cases", |subject| {
            check_examples(subject, "tests/fixtures/cases", AT_ONCE, &[])
        }),
        ("examples::cxx", |subject| {
            check_examples(subject, "tests/fixtures/cxx", AT_ONCE, &[])
        }),
        ("examples::mir", |subject| {
            check_examples(subject, "examples", MIR, &[])
        }),
        ("examples::qbe", |subject| {
            check_examples(subject, "examples", QBE, &[])
        }),
        ("endings", check_endings),
        ("machine", check_machine),
        ("refused_and_damaged", check_refused_and_damaged),
    ];
    Test::of_checks("jit", subject, &checks)
}

/// A program that is compiled while it runs, as a Linux process.
struct Process {
    kernel: PathBuf,
    bundle: Vec<u8>,
    translated: Translated,
}

impl Process {
    fn of(subject: &Subject, bundle: &[u8], way: Way) -> Result<Self, String> {
        let bundle = Bundle::open(bundle).expect("the bundle was made here");
        let program = JitProgram {
            bundle: &bundle,
            generator: way.generator,
            promotion: way.promotion,
            is_hosted: true,
        };
        let kernel = subject.fresh_path("jit");
        let translated = export::build_jit_kernel(&subject.context, &program, &kernel);
        Ok(Self {
            translated: translated.map_err(text)?,
            kernel,
            bundle: export::without_modules(&bundle),
        })
    }

    fn run(&self, subject: &Subject) -> Result<Run, String> {
        subject.run_executable(self.kernel.clone(), &self.bundle, None)
    }

    /// The same when this process has just written the kernel: another thread may be starting something at this moment,
    /// which has the file open for writing until it has started.
    fn run_written(&self, subject: &Subject) -> Result<Run, String> {
        const BUSY: &str = "Text file busy";
        loop {
            match self.run(subject) {
                Err(error) if error.contains(BUSY) => thread::sleep(Duration::from_millis(20)),
                ended => return ended,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There are many, each with all of the generator.
        for path in [self.kernel.clone(), self.kernel.with_extension("map")] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Those with these names; all if there are none.
fn check_examples(subject: &Subject, folder: &str, way: Way, names: &[&str]) -> Result<(), String> {
    let mut found = examples::find(&subject.context.root.join(folder)).map_err(text)?;
    found.retain(|example| names.is_empty() || names.contains(&&*example.name));
    for example in found {
        let check = || {
            let bundle = program(subject, &example)?.bundle(&[], Tier::Auto);
            let run = Process::of(subject, &bundle, way)?.run(subject)?;
            expect(&run, 0, &example.expected)
        };
        check().map_err(|error: String| format!("{}: {error}", example.name))?;
    }
    Ok(())
}

/// Programs end as in the engine, and say as much.
fn check_endings(subject: &Subject) -> Result<(), String> {
    for (name, arguments, words) in ENDINGS {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let bundle = fixture(subject, name)?.bundle(&arguments, Tier::O2);
        let model = subject.run(Place::Hosted, &bundle, Conditions::default())?;
        let run = Process::of(subject, &bundle, AT_ONCE)?.run(subject)?;
        let (expected, found) = (messages(&model), messages(&run));
        let is_other = |word: &&str| OTHERWISE_SAID.contains(&(name, word));
        let is_said = |word: &&str| is_other(word) || found.iter().any(|text| text.contains(word));
        let is_same = run.ending.code == model.ending.code
            && difference(&model.output, &run.output).is_none()
            && expected.len() == found.len()
            && words.iter().all(is_said);
        if !is_same {
            return Err(format!("{name}: {}\n{}", model.describe(), run.describe()));
        }
    }
    Ok(())
}

fn check_machine(subject: &Subject) -> Result<(), String> {
    let found = examples::find(&subject.context.root.join("examples")).map_err(text)?;
    for (generator, limit_bytes) in IMAGE_LIMITS_BYTES {
        for name in ["hello", "nbody", "json"] {
            let example = found.iter().find(|example| example.name == name);
            let example = example.ok_or("an example is missing")?;
            let bundle = program(subject, example)?.bundle(&[], Tier::Auto);
            let bundle = Bundle::open(&bundle).expect("the bundle was made here");
            let program = JitProgram {
                bundle: &bundle,
                generator,
                promotion: AT_ONCE.promotion,
                is_hosted: false,
            };
            let exported = Exported::fresh(subject);
            export::build_jit_kernel(&subject.context, &program, exported.kernel())
                .map_err(text)?;
            let bundle = export::without_modules(&bundle);
            exported
                .write_image(subject, &bundle, ImageSize::Smallest)
                .map_err(text)?;
            let (run, counters) = exported.run(subject, MEMORY_MIB)?;
            let place = |error| format!("{name}, {}: {error}", generator.name());
            expect(&run, 0, &example.expected).map_err(place)?;
            at_most("the image", exported.image_bytes()?, limit_bytes).map_err(place)?;
            let memory_bytes = counters.peak_memory_bytes;
            at_most("memory", memory_bytes, MEMORY_LIMIT_BYTES).map_err(place)?;
        }
    }
    Ok(())
}

/// What is refused is compiled ahead of time. What is damaged ends with a reason, whatever the generator does with it.
fn check_refused_and_damaged(subject: &Subject) -> Result<(), String> {
    let source = subject
        .context
        .root
        .join("tests/fixtures/cranelift/refused.c");
    let program = Program::build(&[source], &subject.compiler).map_err(text)?;
    let bundle = program.bundle(&[], Tier::Auto);
    let model = subject.run(Place::Hosted, &bundle, Conditions::default())?;
    let process = Process::of(subject, &bundle, AT_ONCE)?;
    let Translated {
        function_count,
        refused,
    } = &process.translated;
    if *function_count == 0 || refused.is_empty() {
        return Err(format!("not one of both: {}", process.translated));
    }
    expect(&process.run(subject)?, model.ending.code, &model.output)?;

    let bundle = fixture(subject, "lifetime.c")?.bundle(&[], Tier::Auto);
    let process = Process::of(subject, &bundle, AT_ONCE)?;
    let whole = fs::read(&process.kernel).map_err(text)?;
    let place = translated_bytes(&whole)?;
    let (mut failures, mut panics) = (0, 0);
    for damage in 0..DAMAGES {
        let mut bytes = whole.clone();
        let at = place.start + place.len() * damage / DAMAGES;
        bytes[at] ^= 0x15;
        fs::write(&process.kernel, bytes).map_err(text)?;
        let run = process.run_written(subject)?;
        let said = messages(&run);
        let is_about = |words: &str| said.iter().any(|text| text.contains(words));
        if run.ending.code == exit_code::INTERNAL {
            let is_explained = is_about("there is no code of ");
            failures += usize::from(is_explained);
            panics += usize::from(is_about("the code generator has failed"));
            if !is_explained {
                return Err(format!("byte {at}: {}", run.describe()));
            }
        }
    }
    match (failures, panics) {
        (0, _) | (_, 0) => Err(format!("{failures} failures, {panics} of them panics")),
        _ => Ok(()),
    }
}

/// Where a kernel's file has the low-level IR of the first function.
fn translated_bytes(kernel: &[u8]) -> Result<std::ops::Range<usize>, String> {
    let file = object::File::parse(kernel).map_err(text)?;
    let table = file.symbol_by_name("bareflow_jit_functions");
    let table = table
        .ok_or("the kernel has no table of functions")?
        .address();
    let offset = |address: u64| {
        let mut sections = file.sections();
        sections.find_map(|section| {
            let (start, _) = section.file_range()?;
            let inside = address.checked_sub(section.address())?;
            (inside < section.size()).then_some((start + inside) as usize)
        })
    };
    let entry = offset(table).ok_or("the table is nowhere")?;
    let word = |index: usize| {
        let bytes = kernel[entry + index * 8..][..8].try_into();
        u64::from_le_bytes(bytes.expect("eight bytes"))
    };
    let start = offset(word(0)).ok_or("the function is nowhere")?;
    Ok(start..start + word(1) as usize)
}
