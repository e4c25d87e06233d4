//! Child processes that end: within their time, by force, or with this process.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_raw};
use wait_timeout::ChildExt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, or by a signal that was not ours.
    Exited(ExitStatus),
    /// It was killed when its time was up.
    TimedOut,
    /// It was killed when its output could not be handed on.
    OutputLost(io::ErrorKind),
}

/// What a process reads.
#[derive(Debug, Default)]
pub enum Input {
    /// Nothing: its input is at its end.
    #[default]
    Empty,
    /// What this process has.
    Inherited,
    /// A file, from where it stands.
    File(File),
}

impl Input {
    /// For a new process.
    fn stdio(self) -> Stdio {
        match self {
            Self::Empty => Stdio::null(),
            Self::Inherited => Stdio::inherit(),
            Self::File(file) => file.into(),
        }
    }
}

/// Where a process writes.
#[derive(Debug)]
pub enum Output<W> {
    /// Where this process does: nothing lies between.
    Inherited,
    /// To this writer, piece by piece as it comes.
    To(W),
}

impl<W> Output<W> {
    /// For a new process.
    fn stdio(&self) -> Stdio {
        match self {
            Self::Inherited => Stdio::inherit(),
            Self::To(_) => Stdio::piped(),
        }
    }

    /// What takes the bytes, if they pass through this process.
    fn writer(self) -> Option<W> {
        match self {
            Self::Inherited => None,
            Self::To(writer) => Some(writer),
        }
    }
}

/// What a process reads, and where it writes.
#[derive(Debug)]
pub struct Streams<O, E> {
    /// What it reads.
    pub input: Input,
    /// Its output: a process whose output nobody takes is killed.
    pub output: Output<O>,
    /// Its errors: what nobody takes is dropped.
    pub errors: Output<E>,
}

/// Killed when dropped, so that no way out of a function leaves a process behind.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell otherwise.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets Linux send `signal` to the command when the thread that starts it ends, by a signal too: then no
/// destructor runs. Ninja ends its compilers when it gets one. Ctrl-C in a terminal reaches all of them
/// anyway.
pub fn dies_with_us(command: &mut Command, signal: Signal) -> &mut Command {
    // SAFETY: the closure makes one system call, which is allowed between fork and exec.
    unsafe { command.pre_exec(move || Ok(set_pdeathsig(signal)?)) }
}

/// Bounds the command's address space, in bytes.
pub fn with_address_space(command: &mut Command, limit_bytes: u64) -> &mut Command {
    let limit = move || Ok(setrlimit(Resource::RLIMIT_AS, limit_bytes, limit_bytes)?);
    // SAFETY: the closure makes one system call, which is allowed between fork and exec.
    unsafe { command.pre_exec(limit) }
}

/// Gives the command the file as its descriptor of this number, which must be one that nothing else in the new process
/// uses.
pub fn with_descriptor(command: &mut Command, file: File, number: RawFd) -> &mut Command {
    let hand_over = move || {
        if file.as_raw_fd() == number {
            fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))?;
        } else {
            // SAFETY: the number is nothing else's.
            let copy = unsafe { dup2_raw(&file, number)? };
            // It stays open.
            let _ = copy.into_raw_fd();
        }
        Ok(())
    };
    // SAFETY: the closure makes one system call, which is allowed between fork and exec.
    unsafe { command.pre_exec(hand_over) }
}

/// Runs `command` to its end, at most for `timeout`; hands its streams on as they come. It has no
/// input.
///
/// # Errors
/// That the process cannot be started or waited for.
pub fn supervise(
    command: &mut Command,
    timeout: Duration,
    output: impl Write + Send,
    errors: impl Write + Send,
) -> io::Result<End> {
    let streams = Streams {
        input: Input::Empty,
        output: Output::To(output),
        errors: Output::To(errors),
    };
    supervise_with(command, timeout, streams)
}

/// As [`supervise`], with these streams.
///
/// # Errors
/// That the process cannot be started or waited for.
pub fn supervise_with<O: Write + Send, E: Write + Send>(
    command: &mut Command,
    timeout: Duration,
    streams: Streams<O, E>,
) -> io::Result<End> {
    let child = dies_with_us(command, Signal::SIGKILL)
        .stdin(streams.input.stdio())
        .stdout(streams.output.stdio())
        .stderr(streams.errors.stdio())
        .spawn()?;
    let mut child = Killed(child);
    let pid = Pid::from_raw(child.0.id().cast_signed());
    let (child_output, child_errors) = (child.0.stdout.take(), child.0.stderr.take());
    thread::scope(|scope| {
        let output = child_output.zip(streams.output.writer()).map(|(from, to)| {
            scope.spawn(move || {
                let lost = forward(from, to, Loss::Ends);
                if lost.is_some() {
                    // It may just have ended; its number is not given away so soon.
                    let _ = kill(pid, Signal::SIGKILL);
                }
                lost
            })
        });
        if let Some((from, to)) = child_errors.zip(streams.errors.writer()) {
            scope.spawn(move || forward(from, to, Loss::IsDropped));
        }
        let status = child.0.wait_timeout(timeout)?;
        // Ends the forwarding threads, which wait for the end of the streams.
        drop(child);
        let lost = output.and_then(|thread| thread.join().ok().flatten());
        Ok(match (lost, status) {
            (Some(kind), _) => End::OutputLost(kind),
            (None, Some(status)) => End::Exited(status),
            (None, None) => End::TimedOut,
        })
    })
}

/// What becomes of bytes that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// They end the forwarding.
    Ends,
    /// They and the rest are read and dropped, so that the process does not stall.
    IsDropped,
}

/// Every piece at once: a program's output is seen while it runs. Returns why not everything was written.
fn forward(mut from: impl Read, mut to: impl Write, loss: Loss) -> Option<io::ErrorKind> {
    let mut buffer = [0; 64 << 10];
    let mut lost = None;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return lost,
            Ok(size) if lost.is_none() => {
                let written = to.write_all(&buffer[..size]).and_then(|()| to.flush());
                lost = written.err().map(|error| error.kind());
                if lost.is_some() && loss == Loss::Ends {
                    return lost;
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return lost,
        }
    }
}

/// A writer that can be read afterwards, and passes everything on to another.
#[derive(Clone, Debug)]
pub struct Recorder<W> {
    bytes: Arc<Mutex<VecDeque<u8>>>,
    limit_bytes: usize,
    next: W,
}

impl<W: Write> Recorder<W> {
    /// Keeps the last `limit_bytes`.
    pub fn new(limit_bytes: usize, next: W) -> Self {
        Self {
            bytes: Arc::default(),
            limit_bytes,
            next,
        }
    }

    /// What was written, as far as it was kept.
    pub fn bytes(&self) -> Vec<u8> {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.iter().copied().collect()
    }
}

impl<W: Write> Write for Recorder<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        {
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            bytes.extend(piece);
            let excess = bytes.len().saturating_sub(self.limit_bytes);
            bytes.drain(..excess);
        }
        self.next.write_all(piece)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.next.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Seek};
    use std::time::Instant;
    use std::{env, fs};

    fn shell(script: &str, timeout_ms: u64) -> (End, Vec<u8>, Vec<u8>) {
        let output = Recorder::new(1 << 20, io::sink());
        let errors = Recorder::new(1 << 20, io::sink());
        let end = supervise(
            Command::new("sh").args(["-c", script]),
            Duration::from_millis(timeout_ms),
            output.clone(),
            errors.clone(),
        )
        .unwrap();
        (end, output.bytes(), errors.bytes())
    }

    #[test]
    fn streams_are_kept_apart_and_the_status_is_passed_on() {
        let (end, output, errors) = shell("printf 'a\\0b'; printf c >&2; exit 7", 10_000);
        assert!(matches!(end, End::Exited(status) if status.code() == Some(7)));
        assert_eq!(
            (output.as_slice(), errors.as_slice()),
            (&b"a\0b"[..], &b"c"[..])
        );
    }

    #[test]
    fn a_process_that_does_not_end_is_killed() {
        let start = Instant::now();
        let (end, output, _) = shell("echo begun; exec sleep 60", 300);
        assert_eq!(end, End::TimedOut);
        assert_eq!(output, b"begun\n");
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_process_ends_with_one_that_is_terminated() {
        const IS_PARENT: &str = "BAREFLOW_TEST_IS_PARENT";
        if env::var_os(IS_PARENT).is_some() {
            let mut child = Command::new("sh");
            child.args(["-c", "echo child $$; exec sleep 60"]);
            supervise(
                &mut child,
                Duration::from_secs(60),
                io::stdout(),
                io::sink(),
            )
            .unwrap();
            return;
        }
        let mut parent = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("process::tests::a_process_ends_with_one_that_is_terminated")
            .env(IS_PARENT, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let child = BufReader::new(parent.stdout.take().unwrap())
            .lines()
            .find_map(|line| Some(line.ok()?.split_once("child ")?.1.to_owned()))
            .expect("the child says its number");
        kill(Pid::from_raw(parent.id().cast_signed()), Signal::SIGTERM).unwrap();
        parent.wait().unwrap();

        let deadline = Instant::now() + Duration::from_secs(20);
        // A zombie has ended, too.
        let is_running = || {
            fs::read_to_string(format!("/proc/{child}/stat"))
                .is_ok_and(|state| !state.contains(") Z "))
        };
        while is_running() {
            assert!(Instant::now() < deadline, "{child} still runs");
            thread::sleep(Duration::from_millis(10));
        }
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_process_whose_output_nobody_takes_is_killed() {
        let start = Instant::now();
        for script in ["exec yes", "echo last words"] {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let end = supervise(&mut command, Duration::from_secs(60), Broken, io::sink()).unwrap();
            assert_eq!(end, End::OutputLost(io::ErrorKind::BrokenPipe), "{script}");
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn errors_that_nobody_takes_do_not_stall_the_process() {
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 1000000 /dev/zero >&2"]);
        let end = supervise(&mut command, Duration::from_secs(20), io::sink(), Broken).unwrap();
        assert!(matches!(end, End::Exited(status) if status.success()));
    }

    #[test]
    fn a_process_reads_a_file_from_where_it_stands() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"read already\nthe rest").unwrap();
        file.seek(io::SeekFrom::Start(13)).unwrap();
        let output = Recorder::new(1 << 20, io::sink());
        let streams = Streams {
            input: Input::File(file),
            output: Output::To(output.clone()),
            errors: Output::To(io::sink()),
        };
        supervise_with(&mut Command::new("cat"), Duration::from_secs(20), streams).unwrap();
        assert_eq!(output.bytes(), b"the rest");
    }

    #[test]
    fn a_recorder_keeps_the_end() {
        let mut recorder = Recorder::new(8, Vec::new());
        recorder.write_all(b"one\ntwo\n").unwrap();
        recorder.write_all(b"three\n").unwrap();
        assert_eq!(recorder.bytes(), b"o\nthree\n");
        assert_eq!(recorder.next, b"one\ntwo\nthree\n");
    }
}
