//! What the machine reads. QEMU reads its own input when the machine wants some: what the program does not read stays
//! for others.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write, stdin};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{getpgrp, tcgetpgrp};

use bareflow_build::process::Input;

/// How often a process in the background looks whether it may read the terminal.
const FOREGROUND_INTERVAL: Duration = Duration::from_millis(100);

/// Input for QEMU; what QEMU changes of this process's own comes back when this is dropped.
pub(super) struct QemuInput {
    flags: Option<OFlag>,
}

impl QemuInput {
    /// QEMU takes the line editing from a terminal that it reads itself: a thread does it instead.
    pub(super) fn of(input: Input) -> io::Result<(Self, Input)> {
        let terminal: File = match input {
            Input::Inherited if stdin().is_terminal() => {
                stdin().as_fd().try_clone_to_owned()?.into()
            }
            Input::File(file) if file.is_terminal() => file,
            Input::Inherited => {
                // It makes its input non-blocking, and with it that of all who share it.
                let flags = fcntl(stdin(), FcntlArg::F_GETFL).ok();
                let flags = flags.map(OFlag::from_bits_retain);
                return Ok((Self { flags }, input));
            }
            Input::Empty | Input::File(_) => return Ok((Self { flags: None }, input)),
        };
        let (reader, writer) = io::pipe()?;
        // It ends with this process, or with the pipe's other end.
        thread::spawn(move || forward(terminal, writer));
        let input = Input::File(OwnedFd::from(reader).into());
        Ok((Self { flags: None }, input))
    }
}

impl Drop for QemuInput {
    fn drop(&mut self) {
        if let Some(flags) = self.flags {
            // It may be closed by now.
            let _ = fcntl(stdin(), FcntlArg::F_SETFL(flags));
        }
    }
}

/// From a terminal, line by line as they are typed, to its end.
fn forward(mut terminal: File, mut to: impl Write) {
    let mut line = [0; 4096];
    loop {
        // Who reads a terminal in the background is stopped.
        while !is_foreground(terminal.as_fd()) {
            thread::sleep(FOREGROUND_INTERVAL);
        }
        match terminal.read(&mut line) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(size) => {
                if to.write_all(&line[..size]).is_err() {
                    return;
                }
            }
        }
    }
}

fn is_foreground(terminal: BorrowedFd) -> bool {
    // A terminal that is not this session's stops nobody.
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}
