//! The serial ports: COM1 is the log with the program's errors, COM2 reports to the host, COM3 carries the
//! program's output and nothing else. Bytes are sent as they are.

use core::fmt;

use bareflow_cxx_runtime::platform::Stream;

use crate::arch::io::{Uart, open_uart};
use crate::single_thread_cell::SingleThreadCell;

type Port = SingleThreadCell<Option<Uart>>;

const LOG: u16 = 0x3f8;
const REPORT: u16 = 0x2f8;
const OUTPUT: u16 = 0x3e8;

static LOG_PORT: Port = SingleThreadCell::new(None);
static REPORT_PORT: Port = SingleThreadCell::new(None);
static OUTPUT_PORT: Port = SingleThreadCell::new(None);

/// Sets the ports up. One that the machine does not have stays silent.
pub(crate) fn initialise() {
    for (base, port) in [
        (LOG, &LOG_PORT),
        (REPORT, &REPORT_PORT),
        (OUTPUT, &OUTPUT_PORT),
    ] {
        // SAFETY: these are the addresses of serial ports, and nobody else drives them.
        *port.borrow() = unsafe { open_uart(base) };
    }
}

fn send(port: &Port, bytes: &[u8]) {
    // A fault's handler may have interrupted the sending: then its message is lost, but not the machine.
    if let Some(mut port) = port.try_borrow()
        && let Some(uart) = port.as_mut()
    {
        uart.send_bytes_exact(bytes);
    }
}

/// Writes to the stream's port.
pub(crate) fn write(stream: Stream, bytes: &[u8]) {
    let port = match stream {
        Stream::Output => &OUTPUT_PORT,
        Stream::Error => &LOG_PORT,
    };
    send(port, bytes);
}

/// A serial line at which somebody may type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// That of the program's output.
    Output,
    /// That of the log: where there is one line, it is this.
    Log,
}

impl Line {
    fn port(self) -> &'static Port {
        match self {
            Self::Output => &OUTPUT_PORT,
            Self::Log => &LOG_PORT,
        }
    }
}

/// A byte that was typed at a serial line.
pub(crate) fn receive() -> Option<(u8, Line)> {
    [Line::Output, Line::Log].into_iter().find_map(|line| {
        let byte = line.port().borrow().as_mut()?.try_receive_byte().ok()?;
        Some((byte, line))
    })
}

/// Shows who types at a serial line what was typed.
pub(crate) fn answer(line: Line, bytes: &[u8]) {
    send(line.port(), bytes);
}

/// Writes bytes to the host's report.
pub(crate) fn report_bytes(bytes: &[u8]) {
    send(&REPORT_PORT, bytes);
}

/// Writes to the host's report.
pub(crate) fn report(text: fmt::Arguments) {
    struct Report;

    impl fmt::Write for Report {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            send(&REPORT_PORT, text.as_bytes());
            Ok(())
        }
    }

    // Sending does not fail.
    let _ = fmt::Write::write_fmt(&mut Report, text);
}
