//! The same programs as other compilers make them for Linux.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::{Program, best, generated, output_of};
use crate::e2e::real::build::{Built, Compilers, build_natively, hex};
use crate::e2e::real::linux_command;
use crate::e2e::real::table::Run;
use crate::error::{Error, Result};
use crate::temporary::TemporaryFolder;
use crate::tools;
use crate::workbench::Workbench;

/// What they are called in the table, in the order of [`ways`].
pub const COLUMNS: [&str; 3] = ["clang -O3 native", "the same, profiled", "gcc -O3"];

const BEST: [&str; 2] = ["-O3", "-march=native"];
/// A profile of other sources than these would be a mistake, but of configure's checks there is none.
const QUIET: &str = "-Wno-profile-instr-unprofiled";

/// Seconds that the run takes as each of them makes it; none where it cannot be had, which stderr says.
pub fn times(
    bench: &Workbench,
    program: &Program,
    run: &Run,
    expected: &[u8],
) -> [Option<f64>; COLUMNS.len()] {
    let builds = [
        built(bench, program, &clang(bench, &[])),
        profiled(bench, program, run),
        gcc().and_then(|compilers| built(bench, program, &compilers)),
    ];
    let mut columns = COLUMNS.iter();
    builds.map(|build| {
        let column = columns.next().unwrap_or(&"");
        let time = build.and_then(|built| {
            let folder = TemporaryFolder::new("native")?;
            best(expected, || {
                linux_command(&built, run, folder.path()).map_err(Error::Build)
            })
        });
        time.inspect_err(|error| eprintln!("{column}: {error}"))
            .ok()
    })
}

fn clang(bench: &Workbench, flags: &[String]) -> Compilers {
    let tools = &bench.tools;
    Compilers {
        programs: [tools.program_clang.clone(), tools.program_clangxx.clone()],
        flags: BEST
            .iter()
            .map(|flag| (*flag).to_owned())
            .chain(flags.iter().cloned())
            .collect(),
    }
}

fn gcc() -> Result<Compilers> {
    let find = |name: &str| {
        tools::which(name).ok_or_else(|| Error::Build(format!("{name} is not installed")))
    };
    Ok(Compilers {
        programs: [find("gcc")?, find("g++")?],
        flags: vec!["-O3".into()],
    })
}

fn built(bench: &Workbench, program: &Program, compilers: &Compilers) -> Result<Built> {
    let linux = match &program.project {
        Some(project) => build_natively(bench, project, compilers).map_err(Error::Build)?,
        None => {
            let words = [
                compilers.programs[0].display().to_string(),
                compilers.flags.join(" "),
            ];
            let folder = program
                .folder
                .path()
                .join(hex(Sha256::digest(words.concat()).as_slice()));
            let flags: Vec<&str> = compilers.flags.iter().map(String::as_str).collect();
            generated::compile(&compilers.programs[0], &flags, &folder)?;
            folder
        }
    };
    Ok(Built {
        linux,
        ..program.built.clone()
    })
}

/// With a profile of this very run.
fn profiled(bench: &Workbench, program: &Program, run: &Run) -> Result<Built> {
    let generating = clang(bench, &["-fprofile-generate".to_owned()]);
    let built_once = built(bench, program, &generating)?;
    let folder = TemporaryFolder::new("profile")?;
    let raw = folder.path().join("raw");
    let place = folder.path().join("linux");
    fs::create_dir(&place)?;
    let mut command = linux_command(&built_once, run, &place).map_err(Error::Build)?;
    command.env("LLVM_PROFILE_FILE", raw.join("%p.profraw"));
    output_of(command)?;
    let merged = folder.path().join("merged");
    merge(bench, &raw, &merged)?;
    // Its name is a part of the flags, which the build is known by.
    let profile = fs::read(&merged)?;
    let name = format!("{}.profdata", hex(Sha256::digest(&profile).as_slice()));
    let kept = bench.cache().root().join("projects").join(name);
    fs::write(&kept, &profile)?;
    let flag = format!("-fprofile-use={}", kept.display());
    built(bench, program, &clang(bench, &[flag, QUIET.to_owned()]))
}

fn merge(bench: &Workbench, folder: &Path, merged: &Path) -> Result<()> {
    let version = bench.tools.program_toolchain.version;
    let name = format!("llvm-profdata-{version}");
    let tool =
        tools::which(&name).ok_or_else(|| Error::Build(format!("{name} is not installed")))?;
    let raw: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|_| Error::Build("the program has written no profile".into()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let output = Command::new(tool)
        .args(["merge", "-o"])
        .arg(merged)
        .args(raw)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Build(
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}
