//! Child processes that end: within their time, by force, or with this process.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use wait_timeout::ChildExt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, or by a signal that was not ours.
    Exited(ExitStatus),
    /// It was killed when its time was up.
    TimedOut,
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
    let child = dies_with_us(command, Signal::SIGKILL)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut child = Killed(child);
    let streams = child.0.stdout.take().zip(child.0.stderr.take());
    thread::scope(|scope| {
        if let Some((child_output, child_errors)) = streams {
            scope.spawn(move || forward(child_output, output));
            scope.spawn(move || forward(child_errors, errors));
        }
        let status = child.0.wait_timeout(timeout)?;
        // Ends the forwarding threads, which wait for the end of the streams.
        drop(child);
        Ok(status.map_or(End::TimedOut, End::Exited))
    })
}

/// Every piece at once: a program's output is seen while it runs. When nobody wants it any more, the
/// rest is read and dropped, so that the process does not stall.
fn forward(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 16 << 10];
    let mut is_wanted = true;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(size) if is_wanted => {
                is_wanted = to
                    .write_all(&buffer[..size])
                    .and_then(|()| to.flush())
                    .is_ok();
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
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
    use std::io::{BufRead, BufReader};
    use std::time::Instant;
    use std::{env, fs};

    use nix::sys::signal::kill;
    use nix::unistd::Pid;

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
            .arg("supervise::tests::a_process_ends_with_one_that_is_terminated")
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

    #[test]
    fn a_broken_reader_does_not_stall_the_process() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut command = Command::new("sh");
        command.args(["-c", "head -c 1000000 /dev/zero"]);
        let end = supervise(&mut command, Duration::from_secs(20), Broken, io::sink()).unwrap();
        assert!(matches!(end, End::Exited(status) if status.success()));
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
