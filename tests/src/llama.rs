//! A language model: the greedy text of `examples/llama.c`, against the same source built by clang for Linux.
//!
//! The model is a real one where `BAREFLOW_DATA` names a folder with `stories260K.bin` and `tok512.bin`; the others are
//! made from seeds by `examples/llama_checkpoint.c`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::examples::build_for_linux;
use super::exported::Exported;
use super::matrix::expect;
use super::runner::{Outcome, Test};
use super::subject::{Conditions, Place, Run, Subject, with_files};
use bareflow_image::disk::{DATA_DISK_SIZE_BYTES, write_data_disk};
use bareflow_image::program::{Program, Tier};

/// Names the folder with the real model.
pub const DATA_VARIABLE: &str = "BAREFLOW_DATA";

/// How many models are tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Models {
    /// Small ones
    #[default]
    Short,
    /// With the shape of TinyLlama too: 1.2 GB on the disk
    All,
}

/// A model that a seed stands for.
#[derive(Clone, Copy, Debug)]
struct Made {
    name: &'static str,
    /// The arguments of the generator behind the two files.
    shape: &'static str,
    prompt: &'static str,
    steps: &'static str,
}

const MADE: &[Made] = &[
    Made {
        name: "fp32",
        shape: "fp32 7 64 192 3 8 2 600 64",
        prompt: "hello wörld",
        steps: "24",
    },
    Made {
        name: "int8",
        shape: "int8 11 96 256 2 6 6 500 48",
        prompt: "",
        steps: "24",
    },
    Made {
        name: "one-head",
        shape: "int8 5 24 40 1 1 1 259 16",
        prompt: "ab",
        steps: "16",
    },
];

/// TinyLlama-1.1B's shape.
const TINY_LLAMA: Made = Made {
    name: "tiny-llama",
    shape: "int8 3 2048 5632 22 32 4 32000 2048",
    prompt: "abc",
    steps: "3",
};

const TIMEOUT: Duration = Duration::from_secs(600);
/// An exported image has the model in its memory twice: as a file, and read.
const EXPORTED_MEMORY_MIB: u32 = 64;
const BOOTS: usize = 3;
const REAL_STEPS: &str = "40";
/// The interpreter is a thousand times slower than native code.
const INTERPRETED_STEPS: &str = "4";
const CHECKPOINT: &str = "model.bin";
const TOKENIZER: &str = "tokenizer.bin";

/// A model, and what the program makes of it on Linux.
struct Model {
    files: [(&'static str, Vec<u8>); 2],
    arguments: Vec<String>,
    expected: Vec<u8>,
}

/// The programs, built when the first test wants them.
#[derive(Default)]
struct Shared {
    program: OnceLock<Result<Program, String>>,
    for_linux: OnceLock<Result<[PathBuf; 2], String>>,
}

impl Shared {
    fn program(&self, subject: &Subject) -> Result<&Program, String> {
        let build = || {
            Program::build(&[example(subject, "llama.c")], &subject.compiler)
                .map_err(|error| error.to_string())
        };
        self.program
            .get_or_init(build)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// The inference and the generator.
    fn for_linux(&self, subject: &Subject) -> Result<&[PathBuf; 2], String> {
        let build = || {
            let mut paths = Vec::new();
            for source in ["llama.c", "llama_checkpoint.c"] {
                let path = subject.fresh_path(source);
                let clang = &subject.context.tools.program_clang;
                build_for_linux(clang, &[example(subject, source)], &path)?;
                paths.push(path);
            }
            Ok(<[PathBuf; 2]>::try_from(paths).expect("there are two"))
        };
        self.for_linux
            .get_or_init(build)
            .as_ref()
            .map_err(Clone::clone)
    }

    /// A made model, or the real one, and so many tokens of it instead of the usual number.
    fn model(
        &self,
        subject: &Subject,
        made: Option<&Made>,
        steps: Option<&str>,
    ) -> Result<Model, String> {
        match made {
            Some(made) => self.make(subject, made, steps.unwrap_or(made.steps)),
            None => self.real(subject, steps.unwrap_or(REAL_STEPS)),
        }
    }

    fn make(&self, subject: &Subject, made: &Made, steps: &str) -> Result<Model, String> {
        let [_, generator] = self.for_linux(subject)?;
        let folder = subject.fresh_path(made.name);
        fs::create_dir(&folder).map_err(|error| error.to_string())?;
        let output = Command::new(generator)
            .args([CHECKPOINT, TOKENIZER])
            .args(made.shape.split(' '))
            .current_dir(&folder)
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        self.known(
            subject,
            folder,
            CHECKPOINT,
            TOKENIZER,
            &[steps, made.prompt],
        )
    }

    fn real(&self, subject: &Subject, steps: &str) -> Result<Model, String> {
        let folder = data_folder().ok_or("there is no real model")?;
        let arguments = [steps, "Once upon a time"];
        self.known(subject, folder, "stories260K.bin", "tok512.bin", &arguments)
    }

    fn known(
        &self,
        subject: &Subject,
        folder: PathBuf,
        checkpoint: &str,
        tokenizer: &str,
        arguments: &[&str],
    ) -> Result<Model, String> {
        let [llama, _] = self.for_linux(subject)?;
        let output = Command::new(llama)
            .args([checkpoint, tokenizer])
            .args(arguments)
            .current_dir(&folder)
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("on Linux it ended with {}", output.status));
        }
        let read = |name: &str| fs::read(folder.join(name)).map_err(|error| error.to_string());
        let files = [
            (CHECKPOINT, read(checkpoint)?),
            (TOKENIZER, read(tokenizer)?),
        ];
        Ok(Model {
            files,
            arguments: [CHECKPOINT, TOKENIZER]
                .iter()
                .chain(arguments)
                .map(|text| (*text).to_owned())
                .collect(),
            expected: output.stdout,
        })
    }

    fn bundle(&self, subject: &Subject, model: &Model, tier: Tier) -> Result<Vec<u8>, String> {
        let bundle = self.program(subject)?.bundle(&model.arguments, tier);
        Ok(with_files(&bundle, &model.files))
    }
}

fn example(subject: &Subject, name: &str) -> PathBuf {
    subject.context.root.join("examples").join(name)
}

/// The folder with the real model, if there is one.
fn data_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os(DATA_VARIABLE)?);
    folder.join("stories260K.bin").is_file().then_some(folder)
}

type Action = fn(&Shared, &Subject, &Model) -> Result<(), String>;

/// The tests of language models.
pub fn tests(subject: &Arc<Subject>, models: Models) -> Vec<Test> {
    let shared = Arc::new(Shared::default());
    let mut tests = Vec::new();
    let mut add = |name: String, made: Option<Made>, action: Action| {
        let steps = name.ends_with("interpreter").then_some(INTERPRETED_STEPS);
        let (subject, shared) = (Arc::clone(subject), Arc::clone(&shared));
        tests.push(Test::new(format!("llama::{name}"), move || {
            if made.is_none() && data_folder().is_none() {
                return Outcome::Skipped(format!(
                    "{DATA_VARIABLE} names no folder with stories260K.bin"
                ));
            }
            let model = shared.model(&subject, made.as_ref(), steps);
            Outcome::from(model.and_then(|model| action(&shared, &subject, &model)))
        }));
    };
    let ways: &[(&str, Action)] = &[
        ("hosted::auto", |s, u, m| {
            check(s, u, m, Place::Hosted, Tier::Auto)
        }),
        ("hosted::interpreter", |s, u, m| {
            check(s, u, m, Place::Hosted, Tier::Interpreter)
        }),
        ("hosted::O0", |s, u, m| {
            check(s, u, m, Place::Hosted, Tier::O0)
        }),
        ("hosted::O1", |s, u, m| {
            check(s, u, m, Place::Hosted, Tier::O1)
        }),
        ("hosted::O2", |s, u, m| {
            check(s, u, m, Place::Hosted, Tier::O2)
        }),
        ("hosted::O3", |s, u, m| {
            check(s, u, m, Place::Hosted, Tier::O3)
        }),
        ("hosted::boots", check_boots),
        ("machine::auto", |s, u, m| {
            check(s, u, m, Place::Disk, Tier::Auto)
        }),
        ("exported", check_exported),
    ];
    for (way, action) in ways {
        for made in MADE {
            add(format!("{}::{way}", made.name), Some(*made), *action);
        }
        add(format!("stories260K::{way}"), None, *action);
    }
    if models == Models::All {
        for (way, action) in ways
            .iter()
            .filter(|(way, _)| matches!(*way, "hosted::auto" | "hosted::O3"))
        {
            add(
                format!("{}::{way}", TINY_LLAMA.name),
                Some(TINY_LLAMA),
                *action,
            );
        }
    }
    tests
}

fn check(
    shared: &Shared,
    subject: &Subject,
    model: &Model,
    place: Place,
    tier: Tier,
) -> Result<(), String> {
    let bundle = shared.bundle(subject, model, tier)?;
    let conditions = Conditions {
        timeout: Some(TIMEOUT),
        ..Conditions::default()
    };
    let run = subject.run(place, &bundle, conditions)?;
    expect(&run, 0, &model.expected)
}

/// The same text from snapshots, boot after boot.
fn check_boots(shared: &Shared, subject: &Subject, model: &Model) -> Result<(), String> {
    let disk = subject.fresh_path("disk.img");
    write_data_disk(&disk, DATA_DISK_SIZE_BYTES).map_err(|error| error.to_string())?;
    let bundle = shared.bundle(subject, model, Tier::Auto)?;
    for number in 1..=BOOTS {
        let run: Run = subject.run_executable(subject.hosted_kernel()?, &bundle, Some(&disk))?;
        expect(&run, 0, &model.expected).map_err(|error| format!("boot {number}: {error}"))?;
    }
    Ok(())
}

fn check_exported(shared: &Shared, subject: &Subject, model: &Model) -> Result<(), String> {
    let bundle = shared.bundle(subject, model, Tier::Auto)?;
    let exported = Exported::of(subject, &bundle, None).map_err(|error| error.to_string())?;
    let (run, _) = exported.run(subject, EXPORTED_MEMORY_MIB)?;
    expect(&run, 0, &model.expected)
}
