//! Input, arguments, environment and output of programs, and what commands write, through the command line itself.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

use super::runner::{Check, Outcome, Test};
use super::subject::{self, Subject};
use bareflow_build::process::{Input, Output as Target, Recorder, Streams};
use bareflow_run::qemu::{Boot, Console, boot_with_words};

/// Copies its input to its output.
const CAT: &str = "#include <unistd.h>
static char block[65536];
int main(void) {
  long size;
  while ((size = read(0, block, sizeof block)) > 0)
    if (write(1, block, size) != size)
      return 3;
  return size < 0 ? 4 : 0;
}
";

/// Asks and answers, line by line.
const ASK: &str = "#include <stdio.h>
#include <string.h>
int main(void) {
  char line[100];
  for (;;) {
    printf(\"name? \");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
      break;
    line[strcspn(line, \"\\n\")] = 0;
    printf(\"<%s>\\n\", line);
  }
  puts(\"bye\");
  return 0;
}
";

const YES: &str = "#include <stdio.h>
int main(void) {
  for (;;)
    puts(\"y\");
}
";

/// Shows what it was given.
const SHOW: &str = "#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
  for (int index = 1; index < count; index++)
    printf(\"[%s]\", words[index]);
  const char *value = getenv(\"GREETING\");
  printf(\" %s \", value ? value : \"-\");
  int byte;
  while ((byte = getchar()) != EOF)
    putchar(byte);
  return 0;
}
";

/// What it prints before each kind of end comes out.
const END: &str = "#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
  for (int line = 0; line < 20000; line++)
    printf(\"line %d of some length\\n\", line);
  volatile int *nowhere = (int *)8;
  switch (count > 1 ? words[1][0] : 'r') {
  case 'e':
    exit(3);
  case 'a':
    abort();
  case 'f':
    *nowhere = 1;
  case 'l':
    fflush(stdout);
    for (;;)
      ;
  }
  return 0;
}
";

const HOSTED: &[&str] = &["run", "--hosted"];
/// The machine, in the way that starts soonest.
const MACHINE: &[&str] = &["run", "--boot", "pvh", "--memory-mib", "256"];
const LARGE_HOSTED_BYTES: usize = 100 << 20;
const LARGE_MACHINE_BYTES: usize = 16 << 20;
/// What must be there soon, on a busy host too.
const PATIENCE: Duration = Duration::from_secs(120);

/// The group of input.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 15] = [
        ("large::hosted", |subject| {
            large(subject, HOSTED, LARGE_HOSTED_BYTES)
        }),
        ("large::machine", |subject| {
            large(subject, MACHINE, LARGE_MACHINE_BYTES)
        }),
        ("pipes", pipes),
        ("terminal::hosted", |subject| terminal(subject, HOSTED)),
        ("terminal::machine", |subject| terminal(subject, MACHINE)),
        ("serial_line", serial_line),
        ("keyboard", keyboard),
        ("image", image),
        ("exported", exported),
        ("broken_output", broken_output),
        ("full_output", full_output),
        ("every_end", every_end),
        ("outputs", outputs),
        ("snapshots_are_kept", snapshots_are_kept),
        ("memory", memory),
    ];
    let mut tests = Test::of_checks("input", subject, &checks);
    let subject = Arc::clone(subject);
    tests.push(Test::new("input::full_disk", move || full_disk(&subject)));
    tests
}

/// A program's source in a folder of its own.
fn program(subject: &Subject, source: &str) -> Result<PathBuf, String> {
    let folder = subject.fresh_path("input");
    fs::create_dir(&folder).map_err(text)?;
    let path = folder.join("program.c");
    fs::write(&path, source).map_err(text)?;
    Ok(path)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// This command with these words.
fn xtask<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> Result<Command, String> {
    let mut command = Command::new(subject::xtask().map_err(text)?);
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

fn run(place: &[&str], program: &Path) -> Result<Command, String> {
    let mut command = xtask(place)?;
    command.arg(program);
    Ok(command)
}

/// What comes of a command with this input.
fn finish(mut command: Command, input: &[u8]) -> Result<Output, String> {
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(text)?;
    let mut stdin = child.stdin.take().ok_or("there is no input")?;
    let input = input.to_vec();
    // A program may end before it has read everything.
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().map_err(text)?;
    let _ = writer.join();
    Ok(output)
}

fn expect(output: &Output, status: i32, text: &[u8]) -> Result<(), String> {
    if output.status.code() == Some(status) && output.stdout == text {
        return Ok(());
    }
    let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
    Err(format!(
        "{} instead of {status}, {} bytes instead of {}: {:?}\n{}",
        output.status,
        output.stdout.len(),
        text.len(),
        shown(&output.stdout),
        shown(&output.stderr)
    ))
}

/// Bytes without a pattern that a lost or doubled block would leave as it is.
fn noise(size_bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(size_bytes + 8);
    while bytes.len() < size_bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size_bytes);
    bytes
}

/// A file that is larger than every buffer, with `--stdin`.
fn large(subject: &Subject, place: &[&str], size_bytes: usize) -> Result<(), String> {
    let program = program(subject, CAT)?;
    let input = program.with_file_name("input");
    let bytes = noise(size_bytes);
    fs::write(&input, &bytes).map_err(text)?;
    let mut command = run(place, &program)?;
    let output = command.arg("--stdin").arg(&input).output().map_err(text)?;
    expect(&output, 0, &bytes)
}

/// All bytes, no byte, and the end, by pipes.
fn pipes(subject: &Subject) -> Result<(), String> {
    let program = program(subject, CAT)?;
    let all: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for place in [HOSTED, MACHINE] {
        for input in [&all[..], b"", b"\x04 no end \x03\x1a", b"no newline"] {
            expect(&finish(run(place, &program)?, input)?, 0, input)?;
        }
    }
    Ok(())
}

/// What comes from a stream, as it comes.
struct Heard {
    pieces: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Heard {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let (sender, pieces) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose other end is closed is an error.
            while let Ok(size @ 1..) = stream.read(&mut buffer) {
                if sender.send(buffer[..size].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            pieces,
            bytes: Vec::new(),
        }
    }

    /// Waits until `text` has come behind what was waited for before.
    fn wait_for(&mut self, text: &str) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let heard = String::from_utf8_lossy(&self.bytes).into_owned();
            if let Some(place) = heard.find(text) {
                self.bytes = heard.as_bytes()[place + text.len()..].to_vec();
                return Ok(());
            }
            let left = end.saturating_duration_since(Instant::now());
            let piece = self.pieces.recv_timeout(left);
            self.bytes
                .extend(piece.map_err(|_| format!("no {text:?} came, but {heard:?}"))?);
        }
    }
}

/// In a terminal: its echo, its line editing, its end of input.
fn terminal(subject: &Subject, place: &[&str]) -> Result<(), String> {
    let program = program(subject, ASK)?;
    let terminal = openpty(None, None).map_err(text)?;
    let end = || terminal.slave.try_clone().map_err(text);
    let mut command = run(place, &program)?;
    command.stdin(end()?).stdout(end()?).stderr(end()?);
    let child = command.spawn().map_err(text)?;
    drop(command);
    let mut keys = File::from(terminal.master.try_clone().map_err(text)?);
    let mut heard = Heard::of(File::from(terminal.master));
    let mut type_in = |text: &[u8]| keys.write_all(text).map_err(|error| error.to_string());
    heard.wait_for("name? ")?;
    type_in(b"wrong\x15Adax\x7f\n")?;
    heard.wait_for("\r\n<Ada>\r\nname? ")?;
    type_in(b"Bob\n")?;
    heard.wait_for("Bob\r\n<Bob>\r\nname? ")?;
    type_in(b"\x04")?;
    heard.wait_for("bye\r\n")?;
    drop(terminal.slave);
    ended(child, 0)
}

fn ended(mut child: Child, status: i32) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(found) = child.try_wait().map_err(text)? {
            return match found.code() == Some(status) {
                true => Ok(()),
                false => Err(format!("{found} instead of {status}")),
            };
        }
        thread::sleep(Duration::from_millis(20));
    }
    // It is of no use any more.
    let _ = child.kill();
    Err("it does not end".into())
}

/// At the serial line the machine itself edits and echoes.
fn serial_line(subject: &Subject) -> Result<(), String> {
    let program = program(subject, ASK)?;
    let mut command = run(MACHINE, &program)?;
    command.args(["--console", "serial"]).stdin(Stdio::piped());
    let mut child = command.spawn().map_err(text)?;
    let mut line = child.stdin.take().ok_or("there is no input")?;
    let mut heard = Heard::of(child.stdout.take().ok_or("there is no output")?);
    let erased = "\x08 \x08";
    heard.wait_for("name? ")?;
    line.write_all(b"wrong\x15Adax\x7f\r").map_err(text)?;
    heard.wait_for(&format!(
        "wrong{}Adax{erased}\r\n<Ada>\nname? ",
        erased.repeat(5)
    ))?;
    line.write_all(b"Bob\r").map_err(text)?;
    heard.wait_for("Bob\r\n<Bob>\nname? ")?;
    line.write_all(b"\x04").map_err(text)?;
    heard.wait_for("bye\n")?;
    ended(child, 0)
}

/// Keys of the machine's own keyboard, pressed by QEMU's monitor.
fn keyboard(subject: &Subject) -> Result<(), String> {
    let program =
        bareflow_image::program::Program::build(&[program(subject, ASK)?], &subject.compiler)
            .map_err(text)?;
    let bundle = subject.fresh_path("bundle");
    fs::write(
        &bundle,
        program.bundle(&[], bareflow_image::program::Tier::Auto),
    )
    .map_err(text)?;
    let monitor = subject.fresh_path("monitor");
    let kernel = subject.machine_kernel()?;
    let mut machine = subject.emulated(Boot::Pvh { kernel, bundle }, None);
    machine.console = Console::Display("none".into());
    let words = [
        "-monitor".into(),
        format!("unix:{},server,nowait", monitor.display()).into(),
    ];
    let output = Recorder::new(1 << 16, std::io::sink());
    let log = Recorder::new(1 << 16, std::io::sink());
    let streams = Streams {
        input: Input::Empty,
        output: Target::To(output.clone()),
        errors: Target::To(log.clone()),
    };
    let shown = output.clone();
    let typist = thread::spawn(move || type_at(&monitor, &shown));
    let (verdict, _) = boot_with_words(&machine, &words, PATIENCE, streams).map_err(text)?;
    typist.join().map_err(|_| "nobody typed")??;
    let found = String::from_utf8_lossy(&output.bytes()).into_owned();
    let expected = "name? <Hi>\nname? bye\n";
    match verdict == bareflow_run::qemu::Verdict::Ended(0) && found == expected {
        true => Ok(()),
        false => Err(format!(
            "{verdict}: {found:?} instead of {expected:?}\n{}",
            String::from_utf8_lossy(&log.bytes())
        )),
    }
}

fn type_at(monitor: &Path, shown: &Recorder<std::io::Sink>) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while !shown.bytes().ends_with(b"name? ") {
        if Instant::now() > end {
            return Err("the program does not ask".into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    let mut monitor = std::os::unix::net::UnixStream::connect(monitor).map_err(text)?;
    for key in ["shift-h", "i", "x", "backspace", "ret", "ctrl-d"] {
        writeln!(monitor, "sendkey {key} 20").map_err(text)?;
        // The next press would end the one that is held.
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// An image carries input, and runs with other words, variables and input than its own.
fn image(subject: &Subject) -> Result<(), String> {
    let program = program(subject, SHOW)?;
    let own = program.with_file_name("own");
    fs::write(&own, "carried").map_err(text)?;
    let image = program.with_file_name("show.img");
    let mut command = xtask([
        "image",
        "--env",
        "GREETING=hello",
        "--size",
        "128M",
        "--stdin",
    ])?;
    command.arg(&own).arg("--out").arg(&image).arg(&program);
    expect_success(&command.args(["--", "a", "b c"]).output().map_err(text)?)?;
    let boot = |words: &[&str]| {
        let mut command = xtask(["run", "--memory-mib", "256", "--image"])?;
        command.arg(&image).args(words);
        Ok::<_, String>(command)
    };
    let output = boot(&[])?.output().map_err(text)?;
    expect(&output, 0, b"[a][b c] hello carried")?;
    let given = program.with_file_name("given");
    fs::write(&given, "given").map_err(text)?;
    let mut other = boot(&["--env", "GREETING=bye", "--stdin"])?;
    other.arg(&given).args(["--", "c"]);
    expect(&other.output().map_err(text)?, 0, b"[c] bye given")?;
    // What was said once is forgotten.
    let output = boot(&[])?.output().map_err(text)?;
    expect(&output, 0, b"[a][b c] hello carried")
}

fn expect_success(output: &Output) -> Result<(), String> {
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A final image does, too.
fn exported(subject: &Subject) -> Result<(), String> {
    let program = program(subject, SHOW)?;
    let image = program.with_file_name("native.img");
    let mut command = xtask(["export", "--out"])?;
    command.arg(&image).arg(&program);
    expect_success(&command.args(["--", "a"]).output().map_err(text)?)?;
    let mut command = xtask(["run", "--env", "GREETING=hi", "--image"])?;
    command.arg(&image).args(["--", "b"]);
    expect(&finish(command, b"piped")?, 0, b"[b] hi piped")
}

/// A reader that has enough ends the run.
fn broken_output(subject: &Subject) -> Result<(), String> {
    let program = program(subject, YES)?;
    for place in [HOSTED, MACHINE] {
        let mut child = run(place, &program)?.spawn().map_err(text)?;
        let output = child.stdout.take().ok_or("there is no output")?;
        let mut line = String::new();
        let mut reader = BufReader::new(output);
        reader.read_line(&mut line).map_err(text)?;
        drop(reader);
        if line != "y\n" {
            return Err(format!("{line:?} instead of y"));
        }
        ended(child, 141)?;
    }
    // Commands that print what they have found end as quietly.
    let mut child = xtask(["doctor"])?.spawn().map_err(text)?;
    drop(child.stdout.take());
    let output = child.wait_with_output().map_err(text)?;
    match output.status.code() {
        Some(141) => Ok(()),
        _ => Err(format!("doctor: {}", output.status)),
    }
}

/// A full disk ends the run.
fn full_output(subject: &Subject) -> Result<(), String> {
    let program = program(subject, CAT)?;
    let full = || File::create("/dev/full").map_err(text);
    for place in [HOSTED, MACHINE] {
        let mut command = run(place, &program)?;
        let input = File::open(&program).map_err(text)?;
        let output = command.stdin(input).stdout(full()?).output();
        let output = output.map_err(text)?;
        refused(&output, 102, "cannot write standard output")?;
    }
    let output = xtask(["doctor"])?.stdout(full()?).output().map_err(text)?;
    refused(&output, 102, "cannot write standard output")
}

/// Whatever ends a program, what it has printed before is there.
fn every_end(subject: &Subject) -> Result<(), String> {
    let program = program(subject, END)?;
    let lines: String = (0..20_000)
        .map(|line| format!("line {line} of some length\n"))
        .collect();
    for place in [HOSTED, MACHINE] {
        for (way, status) in [("r", 0), ("e", 3), ("a", 114), ("f", 111), ("l", 113)] {
            let mut command = run(place, &program)?;
            command.args([
                "--timeout-s",
                if way == "l" { "25" } else { "200" },
                "--",
                way,
            ]);
            let output = command.output().map_err(text)?;
            expect(&output, status, lines.as_bytes())
                .map_err(|error| format!("{place:?} {way}: {error}"))?;
        }
    }
    Ok(())
}

fn refused(output: &Output, status: i32, words: &str) -> Result<(), String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    match output.status.code() == Some(status) && errors.contains(words) {
        true => Ok(()),
        false => Err(format!(
            "{} instead of {status} with {words:?}: {errors}",
            output.status
        )),
    }
}

/// Only files are written, and none that is read; links stay, and nothing is half-written.
fn outputs(subject: &Subject) -> Result<(), String> {
    let program = program(subject, SHOW)?;
    let folder = program.parent().ok_or("the program has no folder")?;
    let fifo = folder.join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).map_err(text)?;
    let link = folder.join("link.c");
    symlink("program.c", &link).map_err(text)?;
    let missing = folder.join("missing/file");
    let targets = [
        (Path::new("/dev/full"), "a device"),
        (&fifo, "a FIFO"),
        (folder, "a folder"),
        (&missing, "there is no folder"),
        (&program, "files that are read"),
        (&link, "files that are read"),
    ];
    for (path, words) in targets {
        for command in [
            &["image", "--out"][..],
            &["export", "--out"],
            &["run", "--profile"],
        ] {
            let mut command = xtask(command)?;
            let output = command.arg(path).arg(&program).output().map_err(text)?;
            refused(&output, 105, words)?;
        }
    }
    let device = xtask(["report", "--html", "/dev/null"])?
        .arg(&program)
        .output()
        .map_err(text)?;
    refused(&device, 105, "a device")?;
    let mut shrink = xtask(["shrink", "--out"])?;
    let output = shrink.arg(&program).arg(&program).output().map_err(text)?;
    refused(&output, 105, "files that are read")?;
    let disk = xtask(["run", "--hosted", "--disk", "/dev/null"])?
        .arg(&program)
        .output()
        .map_err(text)?;
    refused(&disk, 105, "a device")?;
    match fs::read_to_string(&program).map_err(text)? == SHOW && !missing.exists() {
        true => Ok(()),
        false => Err("a file was changed".into()),
    }
}

/// A disk that boots have learnt on is only replaced when that is asked for.
fn snapshots_are_kept(subject: &Subject) -> Result<(), String> {
    let program = program(subject, SHOW)?;
    let disk = program.with_file_name("disk.img");
    let mut command = run(&["run", "--hosted", "--snapshot", "--disk"], &disk)?;
    expect_success(&command.arg(&program).output().map_err(text)?)?;
    let image = |force: &[&str]| {
        let mut command = xtask(["image", "--size", "128M", "--out"])?;
        command.arg(&disk).args(force).arg(&program);
        command.output().map_err(text)
    };
    refused(&image(&[])?, 105, "--force")?;
    expect_success(&image(&["--force"])?)
}

/// Bounds that nothing can run in are refused at once.
fn memory(subject: &Subject) -> Result<(), String> {
    let program = program(subject, CAT)?;
    for place in [&["run"][..], &["run", "--hosted"]] {
        for mib in ["0", "1", "3"] {
            let mut command = xtask(place)?;
            command.args(["--memory-mib", mib]).arg(&program);
            let start = Instant::now();
            refused(&command.output().map_err(text)?, 112, "--memory-mib")?;
            if start.elapsed() > PATIENCE / 2 {
                return Err(format!("{place:?} {mib}: not at once"));
            }
        }
    }
    Ok(())
}

/// A disk without room, which only the administrator can make.
fn full_disk(subject: &Subject) -> Outcome {
    if !Uid::effective().is_root() {
        return Outcome::Skipped("only root may mount a small disk".into());
    }
    let folder = subject.fresh_path("small");
    let mounted = fs::create_dir(&folder).is_ok()
        && Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1M", "tmpfs"])
            .arg(&folder)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if !mounted {
        return Outcome::Skipped("a small disk cannot be mounted".into());
    }
    let result = on_full_disk(subject, &folder);
    let left = Command::new("umount").arg(&folder).status();
    let is_left = left.is_ok_and(|status| status.success());
    let unmounted = match is_left {
        true => Ok(()),
        false => Err(format!("{} cannot be unmounted", folder.display())),
    };
    result.and(unmounted).into()
}

fn on_full_disk(subject: &Subject, folder: &Path) -> Result<(), String> {
    let program = program(subject, CAT)?;
    let image = folder.join("image");
    let mut command = xtask(["image", "--out"])?;
    let output = command.arg(&image).arg(&program).output().map_err(text)?;
    refused(&output, 102, "No space left")?;
    let left = fs::read_dir(folder).map_err(text)?.count();
    match left {
        0 => Ok(()),
        _ => Err(format!("{left} files are left of an image without room")),
    }
}
