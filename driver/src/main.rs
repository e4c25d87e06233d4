//! One program with several names: `bareflow-cc`, `bareflow-c++`, `bareflow-ar`, `bareflow-ranlib`, `bareflow-nm`.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use bareflow_driver::archive::become_tool;
use bareflow_driver::driver;
use bareflow_driver::flags::Language;
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
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&name, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn act(name: &str, arguments: env::ArgsOs) -> Result<()> {
    let tool = match name.rsplit('-').next() {
        Some("cc") => return driver::run(Language::C, arguments),
        Some("c++") => return driver::run(Language::Cxx, arguments),
        Some("ar") => Toolchain::find()?.ar,
        Some("ranlib") => Toolchain::find()?.ranlib,
        Some("nm") => Toolchain::find()?.nm,
        _ => {
            return Err(DriverError::Usage(
                "this program is called bareflow-cc, bareflow-c++, bareflow-ar, bareflow-ranlib or bareflow-nm"
                    .to_owned(),
            ));
        }
    };
    match become_tool(tool, arguments.collect())? {}
}

/// What tools have said is complete; everything else gets the program's name before it.
fn report(name: &str, error: &DriverError) {
    match error {
        DriverError::NotCompiled { .. } => {}
        DriverError::Tool { .. } => eprintln!("{error}"),
        _ => eprintln!("{name}: error: {error}"),
    }
}
