//! The same programs as other compilers make them for Linux, and as they are exported.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::exported::Exported;
use super::{Origin, Program, best, output_of};
use bareflow_build::temporary::TemporaryFolder;
use bareflow_build::tools;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_tests::real::build::{Built, Compilers, build_natively, hex};
use bareflow_tests::real::linux_command;
use bareflow_tests::real::table::Run;

/// What they are called in the table, in the order of [`ways`].
pub const COLUMNS: [&str; 5] = [
    "clang -O3 native",
    "the same, profiled",
    "and -flto",
    "gcc -O3",
    "exported",
];

const BEST: [&str; 2] = ["-O3", "-march=native"];
/// A profile of other sources than these would be a mistake, but of configure's checks there is none.
const QUIET: &str = "-Wno-profile-instr-unprofiled";
/// LLVM's own linker needs no plugin for it.
const WHOLE_PROGRAM: [&str; 2] = ["-flto", "-fuse-ld=lld"];

/// Seconds that the run takes as each of them makes it; none where it cannot be had, which stderr says.
pub fn times(
    context: &Context,
    program: &Program,
    run: &Run,
    expected: &[u8],
) -> [Option<f64>; COLUMNS.len()] {
    let linux = |build: Result<Built>| {
        let built = build?;
        let folder = TemporaryFolder::new("native")?;
        best(expected, || {
            linux_command(&built, run, folder.path()).map_err(Error::build)
        })
    };
    let profile = profile(context, program, run);
    let profiled = |more: &[&str]| {
        let profile = profile
            .as_ref()
            .map_err(|error| Error::build(error.to_string()))?;
        let mut flags = vec![
            format!("-fprofile-use={}", profile.display()),
            QUIET.to_owned(),
        ];
        flags.extend(more.iter().map(|flag| (*flag).to_owned()));
        built(context, program, &clang(context, &flags))
    };
    let exported = || {
        let folder = TemporaryFolder::new("native")?;
        let exported = Exported::of(context, program, run, folder.path())?;
        best(expected, || Ok(exported.command()))
    };
    let times = [
        linux(built(context, program, &clang(context, &[]))),
        linux(profiled(&[])),
        linux(profiled(&WHOLE_PROGRAM)),
        linux(gcc().and_then(|compilers| built(context, program, &compilers))),
        exported(),
    ];
    let mut columns = COLUMNS.iter();
    times.map(|time| {
        let column = columns.next().unwrap_or(&"");
        time.inspect_err(|error| eprintln!("{column}: {error}"))
            .ok()
    })
}

/// The exported program's time over that of the best that clang makes; none if one of them is not known.
pub fn exported_over_best(times: &[Option<f64>]) -> Option<f64> {
    let [_, _, best, _, exported] = times else {
        return None;
    };
    Some((*exported)? / (*best)?)
}

fn clang(context: &Context, flags: &[String]) -> Compilers {
    let tools = &context.tools;
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
        tools::which(name).ok_or_else(|| Error::build(format!("{name} is not installed")))
    };
    Ok(Compilers {
        programs: [find("gcc")?, find("g++")?],
        flags: vec!["-O3".into()],
    })
}

fn built(context: &Context, program: &Program, compilers: &Compilers) -> Result<Built> {
    let linux = match &program.origin {
        Origin::Project(project) => {
            build_natively(context, project, compilers).map_err(Error::build)?
        }
        Origin::Own(own) => {
            let words = [
                compilers.programs[0].display().to_string(),
                compilers.flags.join(" "),
            ];
            let folder = program
                .folder
                .path()
                .join(hex(Sha256::digest(words.concat()).as_slice()));
            let flags: Vec<&str> = compilers.flags.iter().map(String::as_str).collect();
            own.compile(context, &compilers.programs[0], &flags, &folder)?;
            folder
        }
    };
    Ok(Built {
        linux,
        ..program.built.clone()
    })
}

/// A profile of this very run.
fn profile(context: &Context, program: &Program, run: &Run) -> Result<PathBuf> {
    let generating = clang(context, &["-fprofile-generate".to_owned()]);
    let built_once = built(context, program, &generating)?;
    let folder = TemporaryFolder::new("profile")?;
    let raw = folder.path().join("raw");
    let place = folder.path().join("linux");
    fs::create_dir(&place)?;
    let mut command = linux_command(&built_once, run, &place).map_err(Error::build)?;
    command.env("LLVM_PROFILE_FILE", raw.join("%p.profraw"));
    output_of(command)?;
    let merged = folder.path().join("merged");
    merge(context, &raw, &merged)?;
    // Its name is a part of the flags, which the build is known by.
    let profile = fs::read(&merged)?;
    let name = format!("{}.profdata", hex(Sha256::digest(&profile).as_slice()));
    let kept = context.cache().root().join("projects").join(name);
    fs::write(&kept, &profile)?;
    Ok(kept)
}

fn merge(context: &Context, folder: &Path, merged: &Path) -> Result<()> {
    let version = context.tools.program_toolchain.version;
    let name = format!("llvm-profdata-{version}");
    let tool =
        tools::which(&name).ok_or_else(|| Error::build(format!("{name} is not installed")))?;
    let raw: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|_| Error::build("the program has written no profile"))?
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
    Err(Error::build(
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}
