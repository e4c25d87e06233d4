//! Writes the seeds of all targets: `seeds FOLDER` makes `FOLDER/TARGET/seed-NN`.

use std::path::Path;
use std::{env, fs, io};

use bareflow_robustness::TARGETS;

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1) else {
        return Err(io::Error::other("usage: seeds FOLDER"));
    };
    for target in TARGETS {
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), seed)?;
        }
    }
    Ok(())
}
