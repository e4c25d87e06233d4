//! Results on standard output. One that cannot be written ends the command, as a pipe without a reader ends programs.

use std::fmt;
use std::io::{Write, stdout};
use std::process;

use crate::launch::Ending;

/// Prints a line of results, as `println!` does.
#[macro_export]
macro_rules! say {
    () => {
        $crate::say::line(format_args!(""))
    };
    ($($words:tt)*) => {
        $crate::say::line(format_args!($($words)*))
    };
}

/// Writes a line.
pub fn line(text: fmt::Arguments) {
    let mut output = stdout().lock();
    let written = writeln!(output, "{text}").and_then(|()| output.flush());
    if let Err(error) = written {
        let ending = Ending::without_output(error.kind());
        ending.explain();
        process::exit(i32::from(ending.code));
    }
}
