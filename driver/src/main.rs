//! One program with several names: `bareflow-cc`, `bareflow-c++`, `bareflow-ar`, `bareflow-ranlib`, `bareflow-nm`,
//! `bareflow-run`.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use bareflow_driver::archive::become_tool;
use bareflow_driver::driver;
use bareflow_driver::flags::Language;
use bareflow_driver::runner;
use bareflow_driver::toolchain::Toolchain;
use bareflow_driver::{DriverError, Result};

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let called = arguments.next().unwrap_or_default();
    let name = Path::new(&called)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    match act(&name, arguments) {
        Ok(code) => code,
        Err(error) => {
            report(&name, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn act(name: &str, arguments: env::ArgsOs) -> Result<ExitCode> {
    let tool = match name.rsplit('-').next() {
        Some("cc") => return compile(Language::C, arguments),
        Some("c++") => return compile(Language::Cxx, arguments),
        Some("run") => return Ok(ExitCode::from(runner::run(arguments)?)),
        Some("ar") => Toolchain::find()?.ar,
        Some("ranlib") => Toolchain::find()?.ranlib,
        Some("nm") => Toolchain::find()?.nm,
        _ => {
            return Err(DriverError::Usage(
                "this program is called bareflow-cc, bareflow-c++, bareflow-ar, bareflow-ranlib, bareflow-nm or \
                 bareflow-run"
                    .to_owned(),
            ));
        }
    };
    match become_tool(tool, arguments.collect())? {}
}

fn compile(language: Language, arguments: env::ArgsOs) -> Result<ExitCode> {
    driver::run(language, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// What tools have said is complete; everything else gets the program's name before it.
fn report(name: &str, error: &DriverError) {
    match error {
        DriverError::NotCompiled { .. } => {}
        DriverError::Tool { .. } => eprintln!("{error}"),
        _ => eprintln!("{name}: error: {error}"),
    }
}
