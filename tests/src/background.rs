//! The compiler beside the program: the program does not notice, whatever becomes of it.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::generated::{Generated, function_with_loop};
use super::runner::{Check, Test};
use super::snapshots::{Machine, Remembered};
use super::subject::{Place, Subject};
use bareflow_build::process::dies_with_us;
use bareflow_report::profile::{Compilation, RunProfile};

pub(super) const BESIDE: &str = "background=1";
/// How long a process that has been told to end may be seen.
const END_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a copy may take to appear, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
pub(super) const LOST: &str = "the compiler beside the program has ended, or does not answer";

/// The tests of the compiler beside the program.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 8] = [
        ("output", check_output),
        ("counts", check_counts),
        ("killed", check_killed),
        ("silent", check_silent),
        ("failures", check_failures),
        ("snapshots", check_snapshots),
        ("nothing_left", check_nothing_left),
        ("one_processor", check_one_processor),
    ];
    Test::of_checks("background", subject, &checks)
}

/// Functions with loops that are called again and again, and some that are first called late.
pub(super) fn rounds(count: usize) -> String {
    const FUNCTIONS: usize = 24;
    let mut text = String::from("#include <stdio.h>\n");
    let (mut calls, mut late) = (String::new(), String::new());
    for index in 0..FUNCTIONS {
        text += &function_with_loop(index, 100);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "static unsigned late{index}(unsigned x) {{ return x * {} + f{index}(x); }}",
            index + 5
        );
        let _ = writeln!(calls, "    sum ^= f{index}(sum);");
        let _ = writeln!(
            late,
            "    if (round == {count} / 2 + {index}) sum ^= late{index}(sum);"
        );
    }
    let _ = write!(
        text,
        "int main(void) {{\n  unsigned sum = 1;\n  \
         for (int round = 0; round < {count}; ++round) {{\n{calls}{late}  }}\n  \
         printf(\"%u\\n\", sum);\n  return 0;\n}}\n"
    );
    text
}

/// Some seconds without better code than the first.
const LONG: usize = 40_000;
const SHORT: usize = 4_000;

/// An interpreter that jumps by labels, as Lua's does.
pub(super) const INTERPRETER: &str = r#"#include <stdio.h>
enum { ADD, MULTIPLY, SHIFT, LOOP, END };
static const unsigned char code[] = {ADD, MULTIPLY, SHIFT, ADD, LOOP, END};
static unsigned run(unsigned value, unsigned count) {
  static const void *const places[] = {&&add, &&multiply, &&shift, &&loop, &&end};
  unsigned at = 0;
#define NEXT goto *places[code[at++]]
  NEXT;
add: value += 0x9e37; NEXT;
multiply: value *= 31; NEXT;
shift: value ^= value >> 7; NEXT;
loop: if (--count) at = 0; NEXT;
end: return value;
}
int main(void) {
  unsigned value = 1;
  for (int round = 0; round < 5; ++round) {
    value = run(value, 4000000);
    printf("%u\n", value);
  }
  return 0;
}
"#;

/// Copies of a size that the optimiser learns from what is counted, and calls through pointers.
const COPIES: &str = r#"#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; char text[48]; };
static int by_text(const void *a, const void *b) {
  return strcmp((*(struct node *const *)a)->text, (*(struct node *const *)b)->text);
}
__attribute__((noinline)) static void put(char *to, const char *from, size_t size) { memcpy(to, from, size); }
int main(void) {
  unsigned state = 1, sum = 0;
  for (int round = 0; round < 200; ++round) {
    struct node *all[500], *list = 0;
    for (int i = 0; i < 500; ++i) {
      struct node *node = malloc(sizeof *node);
      char text[48] = "";
      state = state * 1103515245 + 12345;
      snprintf(text, sizeof text, "%08x-%d", state, i);
      put(node->text, text, sizeof text);
      node->next = list; list = all[i] = node;
    }
    qsort(all, 500, sizeof *all, by_text);
    for (int i = 0; i < 500; ++i) sum = sum * 31 + (unsigned char)all[i]->text[i % 8];
    while (list) { struct node *next = list->next; free(list); list = next; }
  }
  printf("%u\n", sum);
  return 0;
}
"#;

/// All compilations of a run.
fn compilations(profile: &RunProfile) -> impl Iterator<Item = &Compilation> {
    profile.functions.iter().flat_map(|function| {
        let loops = function.loops.iter().flat_map(|part| &part.compilations);
        function.compilations.iter().chain(loops)
    })
}

/// Those that were made beside the program.
pub(super) fn beside(profile: &RunProfile) -> Vec<&Compilation> {
    compilations(profile)
        .filter(|made| made.background)
        .collect()
}

/// Runs a program beside whose run code is made, and sees that there was some, and how much.
fn check_beside(subject: &Subject, source: &str, settings: &[&str]) -> Result<(), String> {
    let program = Generated::build(subject, source)?;
    let run = program.run(subject, Place::Hosted, settings)?;
    let profile = program.examine(&run)?;
    let beside = beside(profile);
    if beside.is_empty() {
        return Err(format!(
            "nothing was compiled beside it\n{}",
            run.describe()
        ));
    }
    let is_plausible = |made: &&Compilation| {
        made.cycles > 0 && made.code_bytes > 0 && made.at <= profile.total_cycles
    };
    let waited = compilations(profile).filter(|made| !made.background);
    let waited_cycles: u64 = waited.map(|made| made.cycles).sum();
    if !beside.iter().all(is_plausible) || profile.compile_cycles < waited_cycles {
        return Err(format!("the profile says {beside:?}"));
    }
    Ok(())
}

/// Runs programs of which the first is long enough to get code that is made beside it, on a busy machine too.
fn check_programs(subject: &Subject, settings: &[&str]) -> Result<(), String> {
    check_beside(subject, &rounds(LONG), settings)?;
    for source in [INTERPRETER, COPIES] {
        let program = Generated::build(subject, source)?;
        let run = program.run(subject, Place::Hosted, settings)?;
        program.examine(&run)?;
    }
    Ok(())
}

fn check_output(subject: &Subject) -> Result<(), String> {
    check_programs(subject, &[BESIDE])
}

fn check_counts(subject: &Subject) -> Result<(), String> {
    check_programs(subject, &["calls=1,2,3,4", "iterations=-,5,-,50", BESIDE])
}

fn check_one_processor(subject: &Subject) -> Result<(), String> {
    let running = Running::start(subject, &rounds(SHORT), &["taskset", "-c", "0"])?;
    running.finish().map(drop)
}

fn check_failures(subject: &Subject) -> Result<(), String> {
    let program = Generated::build(subject, &rounds(LONG))?;
    let mut failures = 0;
    for seed in 1..=4 {
        let inject = format!("inject={seed}");
        let settings = [
            "calls=1,2,3,4",
            "iterations=-,5,-,50",
            "compile-ms=200",
            BESIDE,
        ];
        let settings = [&settings[..], &[&inject]].concat();
        let run = program.run(subject, Place::Hosted, &settings)?;
        let profile = program
            .examine(&run)
            .map_err(|text| format!("{inject}: {text}"))?;
        if run.log.contains(LOST) {
            return Err(format!(
                "{inject}: a failure ended the copy\n{}",
                run.describe()
            ));
        }
        let functions = profile.functions.iter();
        failures += functions
            .map(|function| function.failures.len())
            .sum::<usize>();
    }
    if failures == 0 {
        return Err("no compilation failed".into());
    }
    Ok(())
}

fn check_snapshots(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, &rounds(LONG))?;
    let mut machine = Machine::new(subject, &["snapshot-every=0"])?;
    for (boot, setting) in [BESIDE, BESIDE, "background=0"].into_iter().enumerate() {
        machine.options.settings.push(setting.to_owned());
        let booted = machine
            .boot(&program)
            .map_err(|error| format!("boot {}: {error}", boot + 1))?;
        let wanted = (boot > 0).then_some(boot as u64);
        if booted.boot.snapshot != wanted || booted.boot.saved.is_none() {
            return Err(format!("boot {}: {:?}", boot + 1, booted.boot));
        }
    }
    Ok(())
}

/// A hosted kernel that runs a program.
struct Running {
    kernel: Child,
    bundle: PathBuf,
    expected: Vec<u8>,
}

impl Running {
    fn start(subject: &Subject, source: &str, words: &[&str]) -> Result<Self, String> {
        let program = Generated::build(subject, source)?;
        let bundle = subject.fresh_path("background.bundle");
        fs::write(&bundle, program.bundle(&[BESIDE])).map_err(|error| error.to_string())?;
        let mut words: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
        words.extend([subject.hosted_kernel()?, bundle.clone()]);
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let kernel = dies_with_us(&mut command, Signal::SIGKILL)
            .spawn()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            kernel,
            bundle,
            expected: program.expected().to_vec(),
        })
    }

    fn pid(&self) -> i32 {
        self.kernel.id().cast_signed()
    }

    /// The copy, when there is one; `None` if the program has ended before.
    fn copy(&mut self) -> Result<Option<i32>, String> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(copy) = child_of(self.pid()) {
                return Ok(Some(copy));
            }
            let ended = self.kernel.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err("nothing is compiled beside the program".into())
    }

    /// The error stream, if the program has ended as it should, and nobody is left.
    fn finish(mut self) -> Result<String, String> {
        let (mut output, mut errors) = (Vec::new(), String::new());
        let pipes = (self.kernel.stdout.take(), self.kernel.stderr.take());
        let (Some(mut from_output), Some(mut from_errors)) = pipes else {
            return Err("the kernel has no streams".into());
        };
        from_output
            .read_to_end(&mut output)
            .map_err(|error| error.to_string())?;
        from_errors
            .read_to_string(&mut errors)
            .map_err(|error| error.to_string())?;
        let status = self.kernel.wait().map_err(|error| error.to_string())?;
        if !status.success() || output != self.expected {
            return Err(format!(
                "it ended with {status}: {}\n{errors}",
                String::from_utf8_lossy(&output)
            ));
        }
        Ok(errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; there is nobody to tell otherwise.
        let _ = self.kernel.kill();
        let _ = self.kernel.wait();
        let _ = fs::remove_file(&self.bundle);
    }
}

/// A process whose parent is this one, and that has not ended.
fn child_of(parent: i32) -> Option<i32> {
    fs::read_dir("/proc").ok()?.find_map(|entry| {
        let process = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The state and the parent stand behind the name, which may have spaces in it.
        let mut words = text.rsplit_once(')')?.1.split_whitespace();
        let state = words.next()?;
        let is_child = words.next()?.parse() == Ok(parent);
        (is_child && state != "Z").then_some(process)
    })
}

fn send(process: i32, signal: Signal) -> Result<(), String> {
    kill(Pid::from_raw(process), signal).map_err(|error| error.to_string())
}

/// Waits until the process is gone; what has ended and was not waited for is not gone.
fn wait_for_end(process: i32) -> Result<(), String> {
    let deadline = Instant::now() + END_TIMEOUT;
    while PathBuf::from(format!("/proc/{process}")).exists() {
        if Instant::now() > deadline {
            return Err(format!("process {process} is still there"));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn check_killed(subject: &Subject) -> Result<(), String> {
    let mut running = Running::start(subject, &rounds(LONG), &[])?;
    let mut kills = 0;
    while let Some(copy) = running.copy()? {
        // The program, and the copy with it, may have ended meanwhile.
        if send(copy, Signal::SIGKILL).is_err() {
            break;
        }
        kills += 1;
        let deadline = Instant::now() + START_TIMEOUT;
        while child_of(running.pid()) == Some(copy) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        // There is none after the third.
        if kills == 3 {
            break;
        }
    }
    let errors = running.finish()?;
    if kills == 0 || !errors.contains(LOST) {
        return Err(format!(
            "{kills} were killed, and the program says: {errors}"
        ));
    }
    Ok(())
}

fn check_silent(subject: &Subject) -> Result<(), String> {
    let mut running = Running::start(subject, &rounds(LONG), &[])?;
    let Some(copy) = running.copy()? else {
        return Err("nothing is compiled beside the program".into());
    };
    send(copy, Signal::SIGSTOP)?;
    running.finish()?;
    wait_for_end(copy)
}

fn check_nothing_left(subject: &Subject) -> Result<(), String> {
    let mut running = Running::start(subject, &rounds(LONG), &[])?;
    let copy = running.copy()?;
    running.finish()?;
    copy.map_or(Ok(()), wait_for_end)?;

    let mut running = Running::start(subject, &rounds(LONG), &[])?;
    let Some(copy) = running.copy()? else {
        return Err("nothing is compiled beside the program".into());
    };
    send(running.pid(), Signal::SIGKILL)?;
    drop(running);
    // Whoever takes on processes without a parent may leave it as it is: it runs no more.
    let deadline = Instant::now() + END_TIMEOUT;
    while Instant::now() < deadline {
        let state = fs::read_to_string(format!("/proc/{copy}/stat"));
        if state.is_ok_and(|state| !state.contains(") Z ")) {
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        return Ok(());
    }
    Err(format!("process {copy} still runs"))
}
