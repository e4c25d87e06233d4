//! Trained images: the first boot has what other images have after some.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bareflow_bundle::{ARGUMENT, Builder};
use bareflow_snapshot::BASELINE;
use bareflow_tier_policy::Level;

use super::examples;
use super::paging::{Booted, boot_drive};
use super::runner::{Check, Test};
use super::subject::Subject;
use super::volume;
use bareflow_image::disk::ImageOptions;
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_image::training::{Runs, Training, TrainingRun};
use bareflow_run::qemu::{Drive, Verdict};

const SIZE_BYTES: u64 = 128 << 20;
const TIMEOUT: Duration = Duration::from_secs(60);
const SNAPSHOT: &str = "boot/snapshots/boot_001.snap";

/// After so many boots nothing is new.
const MOST_BOOTS: usize = 4;

/// Refers to everything that lies elsewhere in another kernel: functions by calls and in a table, the streams, what counts
/// and times calls, and what leaves a loop for better code.
const SOURCE: &str = r#"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static int (*const prints[])(const char *) = {puts};
static FILE **where = &stdout;
static jmp_buf place;
static double sum(int n) {
    double total = 0;
    for (int i = 1; i <= n; i++) total += sqrt(i) / i;
    return total;
}
int main(int count, char **arguments) {
    int n = count > 1 ? atoi(arguments[1]) : 0;
    int values[64];
    for (int i = 0; i < 64; i++) values[i] = i * 37 % 64;
    qsort(values, 64, sizeof *values, compare);
    if (setjmp(place) == 0) longjmp(place, 1);
    char *text = malloc(100);
    errno = 0;
    strtol("99999999999999999999", 0, 10);
    snprintf(text, 100, "fib(%d) = %d, %.3f, %d %d", n, fib(n), sum(n * 1000), values[63], errno == ERANGE);
    fprintf(*where, "%s\n", text);
    fputs("error\n", stderr);
    prints[0]("end");
    free(text);
    return 0;
}
"#;

/// The tests of trained images.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 7] = [
        ("first_boot", check_first_boot),
        ("other_arguments", check_other_arguments),
        ("precompiled", check_precompiled),
        ("damaged", check_damaged),
        ("another_processor", check_another_processor),
        ("failed_run", check_failed_run),
        ("examples", check_examples),
    ];
    Test::of_checks("trained", subject, &checks)
}

struct Image {
    path: PathBuf,
}

/// What the program prints with this argument, as it does on Linux.
fn expected(subject: &Subject, argument: &str) -> Result<String, String> {
    let source = source(subject)?;
    let executable = subject.fresh_path("trained");
    examples::build_for_linux(&subject.context.tools.program_clang, &[source], &executable)?;
    let output = std::process::Command::new(executable)
        .arg(argument)
        .output()
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn source(subject: &Subject) -> Result<PathBuf, String> {
    let path = subject.fresh_path("trained.c");
    fs::write(&path, SOURCE).map_err(|error| error.to_string())?;
    Ok(path)
}

fn training(runs: &[&[&str]]) -> Training {
    let runs = runs.iter().map(|arguments| TrainingRun {
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        input: None,
    });
    Training {
        runs: Runs {
            runs: runs.collect(),
            timeout: TIMEOUT,
        },
        precompile: None,
        processor: BASELINE.to_owned(),
    }
}

impl Image {
    /// Of [`SOURCE`], which gets the argument 20.
    fn new(subject: &Subject, training: &Training) -> Result<Self, String> {
        Self::of(subject, &[source(subject)?], &["20"], training)
    }

    fn of(
        subject: &Subject,
        sources: &[PathBuf],
        arguments: &[&str],
        training: &Training,
    ) -> Result<Self, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let program = Program::build(sources, &subject.compiler).map_err(|error| text(&error))?;
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let bundle = program.bundle_with(&arguments, Tier::Auto, &TierOptions::default());
        let machine = subject.machine_kernel()?;
        let snapshot = training
            .run(&bundle, &subject.hosted_kernel()?, &machine)
            .map_err(|error| text(&error))?;
        let path = subject.fresh_path("trained.img");
        let options = ImageOptions {
            snapshot: Some(&snapshot),
            ..SIZE_BYTES.into()
        };
        subject
            .context
            .write_image(&machine, &bundle, options, &path)
            .map_err(|error| text(&error))?;
        Ok(Self { path })
    }

    /// Boots; the output must be this, and the kernel must have said this.
    fn boot(&self, subject: &Subject, output: &str, note: &str) -> Result<Booted, String> {
        self.boot_with(subject, None, output, note)
    }

    fn boot_with(
        &self,
        subject: &Subject,
        overlay: Option<Vec<u8>>,
        output: &str,
        note: &str,
    ) -> Result<Booted, String> {
        let drive = Drive {
            overlay,
            ..Drive::new(&self.path)
        };
        let booted = boot_drive(subject, drive)?;
        let is_right = booted.verdict == Verdict::Ended(0) && booted.output == output;
        let booted = booted.expect(is_right, &format!("expected the output {output}"))?;
        let is_said = booted.log.contains(note);
        booted.expect(is_said, &format!("expected the note {note}"))
    }
}

/// It must have run without LLVM.
fn without_llvm(booted: Booted) -> Result<(), String> {
    let is_idle = booted.llvm() == Some((0, 0));
    booted
        .expect(is_idle, "nothing of LLVM should be read")
        .map(drop)
}

fn check_first_boot(subject: &Subject) -> Result<(), String> {
    let output = expected(subject, "20")?;
    // Training is not the same twice; what the program does is.
    for _ in 0..2 {
        let image = Image::new(subject, &training(&[&["20"]]))?;
        without_llvm(image.boot(subject, &output, "boot 2: from snapshot 1")?)?;
        volume::check_file_system(&image.path, &subject.fresh_path("volume"))?;
        // Soon there is nothing more to be learnt, and boots change nothing of the disk.
        let mut boots = (0..MOST_BOOTS).map(|_| {
            let booted = image.boot(subject, &output, "from snapshot 1")?;
            let is_silent = booted.log.contains("from snapshot 1, nothing new");
            without_llvm(booted).map(|()| is_silent)
        });
        if !boots.try_fold(false, |found, is_silent: Result<bool, String>| {
            is_silent.map(|is_silent| found || is_silent)
        })? {
            return Err("there is always something new".into());
        }
        let before = read(&image.path)?;
        let booted = image.boot(subject, &output, "from snapshot 1, nothing new")?;
        without_llvm(booted)?;
        if read(&image.path)? != before {
            return Err("a boot without news has changed the image".into());
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| error.to_string())
}

/// Trained with two runs, booted with arguments that none of them had. The first of these boots may prepare for more like
/// it, and write a snapshot of its own.
fn check_other_arguments(subject: &Subject) -> Result<(), String> {
    let image = Image::new(subject, &training(&[&["5"], &["18"]]))?;
    for (argument, note) in [("22", "from snapshot 1"), ("0", "from snapshot ")] {
        let mut overlay = Builder::default();
        overlay.add(ARGUMENT, argument.as_bytes());
        let output = expected(subject, argument)?;
        image.boot_with(subject, Some(overlay.finish()), &output, note)?;
    }
    Ok(())
}

fn check_precompiled(subject: &Subject) -> Result<(), String> {
    let output = expected(subject, "20")?;
    for level in [Level::O0, Level::O3] {
        let precompiled = Training {
            precompile: Some(level),
            ..training(&[])
        };
        let image = Image::new(subject, &precompiled)?;
        let booted = image.boot(subject, &output, "boot 1: from snapshot 1")?;
        // At O0, what is hot is compiled better.
        if level == Level::O3 {
            without_llvm(booted)?;
        }
    }
    let source = subject.context.root.join("examples/hello.ll");
    let precompiled = Training {
        precompile: Some(Level::O0),
        ..training(&[])
    };
    let image = Image::of(subject, &[source], &[], &precompiled)?;
    let booted = boot_drive(subject, Drive::new(&image.path))?;
    let is_right = booted.log.contains("boot 1: from snapshot 1");
    without_llvm(booted.expect(is_right, "expected a boot from the snapshot")?)
}

fn check_damaged(subject: &Subject) -> Result<(), String> {
    let image = Image::new(subject, &training(&[&["20"]]))?;
    let mut snapshot = volume::read_file(&image.path, SNAPSHOT)?;
    let middle = snapshot.len() / 2;
    snapshot[middle] ^= 1;
    let folder = subject.fresh_path("volume");
    volume::write_file(&image.path, SNAPSHOT, &snapshot, &folder)?;
    let output = expected(subject, "20")?;
    let note = "boot_001.snap is refused: its checksum is wrong";
    let booted = image.boot(subject, &output, note)?;
    let is_fresh = booted.log.contains("boot 1: without a snapshot");
    booted
        .expect(is_fresh, "expected a boot without snapshots")
        .map(drop)
}

/// The emulated processor has no AVX-512.
fn check_another_processor(subject: &Subject) -> Result<(), String> {
    let output = expected(subject, "20")?;
    for (processor, note) in [
        ("x86-64-v4", "is refused: it was made for another processor"),
        ("x86-64-v2", "boot 2: from snapshot 1"),
    ] {
        let training = Training {
            processor: processor.to_owned(),
            ..training(&[&["20"]])
        };
        Image::new(subject, &training)?.boot(subject, &output, note)?;
    }
    Ok(())
}

/// A program that does not survive its training makes no image.
fn check_failed_run(subject: &Subject) -> Result<(), String> {
    let path = subject.fresh_path("failing.c");
    let text = "int main(int count, char **arguments) { if (count > 1) *(volatile int *)0 = 1; return 3; }";
    fs::write(&path, text).map_err(|error| error.to_string())?;
    let sources = [path];
    match Image::of(subject, &sources, &[], &training(&[&[], &["x"]])) {
        Ok(_) => return Err("a program that fails was trained".into()),
        Err(error) if error.contains("training run 2") => {}
        Err(error) => return Err(error),
    }
    Image::of(subject, &sources, &[], &training(&[&[]])).map(drop)
}

fn check_examples(subject: &Subject) -> Result<(), String> {
    const CHOSEN: &[&str] = &["callbacks", "copies", "json", "nbody", "setjmp", "varargs"];
    let folder = subject.context.root.join("examples");
    let all = examples::find(&folder).map_err(|error| error.to_string())?;
    for example in all
        .iter()
        .filter(|example| CHOSEN.contains(&&*example.name))
    {
        let image = Image::of(subject, &example.sources, &[], &training(&[&[]]))?;
        let output = String::from_utf8_lossy(&example.expected).into_owned();
        let booted = image.boot(subject, &output, "boot 2: from snapshot 1");
        booted
            .and_then(without_llvm)
            .map_err(|error| format!("{}: {error}", example.name))?;
    }
    Ok(())
}
