//! Programs that are built again: only what has not changed is not compiled, and what has changed always is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use super::runner::{Check, Test};
use super::subject::Subject;
use bareflow_build::paths::Cache;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::program::{Memory, Program, ProgramCompiler, Sources};

/// Longer than the steps of the clock that files get their times from: what was written a moment ago is not remembered.
const A_MOMENT: Duration = Duration::from_millis(60);

/// The tests of this group.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    const CHECKS: [(&str, Check<Subject>); 5] = [
        ("unchanged", unchanged),
        ("changed", changed),
        ("hidden", hidden),
        ("warnings", warnings),
        ("unsteady", unsteady),
    ];
    Test::of_checks("edits", subject, &CHECKS)
}

/// A folder with a program, and a compiler that counts its calls.
struct Bench {
    folder: TemporaryFolder,
    compiler: ProgramCompiler,
    memory: Memory,
}

impl Bench {
    fn new(subject: &Subject, source: &str) -> Result<Self, String> {
        let make = || -> std::io::Result<Self> {
            let folder = TemporaryFolder::new("edits")?;
            let path = |name: &str| folder.path().join(name);
            fs::create_dir(path("source"))?;
            fs::create_dir(path("first"))?;
            fs::create_dir(path("second"))?;
            let clang = path("counted-clang");
            let script = format!(
                "#!/bin/sh\necho >>'{}'\nexec '{}' \"$@\"\n",
                path("calls").display(),
                subject.compiler.clang().display()
            );
            fs::write(&clang, script)?;
            fs::set_permissions(&clang, fs::Permissions::from_mode(0o755))?;
            Ok(Self {
                compiler: subject.compiler.with_clang(clang),
                memory: Memory::of(&Cache::at(&path("cache"), &[])),
                folder,
            })
        };
        let bench = make().map_err(|error| error.to_string())?;
        bench.write("source/main.c", source)?;
        bench.write("second/value.h", "#define VALUE 1\n")?;
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.path(name), text).map_err(|error| error.to_string())?;
        sleep(A_MOMENT);
        Ok(())
    }

    /// Builds the program; says what it is and whether it was compiled.
    fn build(&self, flags: &[&str]) -> Result<(Program, bool), String> {
        let words = flags.iter().map(Into::into);
        let sources = Sources {
            words: words.chain([self.path("source/main.c").into()]).collect(),
            ..Sources::default()
        };
        let calls = |path: &Path| fs::read(path).map_or(0, |bytes| bytes.len());
        let before = calls(&self.path("calls"));
        let program = self
            .memory
            .build(&sources, &self.compiler)
            .map_err(|error| error.to_string())?;
        let plain = Program::build_from(&sources, &self.compiler);
        let after = calls(&self.path("calls"));
        if plain.map_err(|error| error.to_string())? != program {
            return Err("what is remembered is not what the compiler makes".to_owned());
        }
        // The comparison has called the compiler once.
        Ok((program, after - before > 1))
    }

    fn expect(&self, flags: &[&str], compiled: bool, what: &str) -> Result<Program, String> {
        let (program, was_compiled) = self.build(flags)?;
        if was_compiled == compiled {
            return Ok(program);
        }
        Err(format!(
            "{what}: the program was {}compiled",
            if was_compiled { "" } else { "not " }
        ))
    }

    fn flags(&self) -> [String; 2] {
        ["first", "second"].map(|name| format!("-I{}", self.path(name).display()))
    }
}

const SOURCE: &str =
    "#include <stdio.h>\n#include <value.h>\nint main(void) { return VALUE + !stdin; }\n";

fn unchanged(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject, SOURCE)?;
    let flags = bench.flags();
    let flags = flags.each_ref().map(String::as_str);
    bench.expect(&flags, true, "the first time")?;
    bench.expect(&flags, false, "the second time")?;
    bench.write("source/main.c", SOURCE)?;
    bench.expect(&flags, true, "after it was written again")?;
    bench.expect(&flags, false, "the second time after that")?;
    Ok(())
}

fn changed(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject, SOURCE)?;
    let flags = bench.flags();
    let flags = flags.each_ref().map(String::as_str);
    let known = || -> Result<(), String> {
        bench.build(&flags)?;
        bench.expect(&flags, false, "what is known").map(drop)
    };
    known()?;
    bench.write("source/main.c", &SOURCE.replace('+', "-"))?;
    bench.expect(&flags, true, "another source")?;
    known()?;
    bench.write("second/value.h", "#define VALUE 2\n")?;
    bench.expect(&flags, true, "another header")?;
    known()?;
    bench.write("first/value.h", "#define VALUE 3\n")?;
    bench.expect(&flags, true, "a header that is found before")?;
    known()?;
    bench.write("source/stdio.h", "#define stdin 0\n")?;
    bench.expect(&[flags[0], flags[1], "-Isource"], true, "other flags")?;
    fs::remove_file(bench.path("first/value.h")).map_err(|error| error.to_string())?;
    bench.expect(&flags, true, "a header less")?;
    Ok(())
}

/// A header in a folder of a folder that is searched, which was there before, and in one that was not.
fn hidden(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject, &SOURCE.replace("<value.h>", "<sub/value.h>"))?;
    for name in ["first/sub", "second/sub", "source/sub"] {
        fs::create_dir(bench.path(name)).map_err(|error| error.to_string())?;
    }
    bench.write("second/sub/value.h", "#define VALUE 1\n")?;
    let later = format!("-I{}", bench.path("later").display());
    let [first, second] = bench.flags();
    let flags = [&*later, &*first, &*second];
    bench.expect(&flags, true, "the first time")?;
    bench.expect(&flags, false, "the second time")?;
    bench.write("first/sub/value.h", "#define VALUE 2\n")?;
    bench.expect(&flags, true, "a header that is found before")?;
    bench.expect(&flags, false, "what is known")?;
    fs::remove_file(bench.path("first/sub/value.h")).map_err(|error| error.to_string())?;
    bench.expect(&flags, true, "a header less")?;
    fs::create_dir_all(bench.path("later/sub")).map_err(|error| error.to_string())?;
    bench.write("later/sub/value.h", "#define VALUE 3\n")?;
    bench.expect(&flags, true, "a folder more")?;

    let asks = "#if __has_include(<sub/asked.h>)\n#include <sub/asked.h>\n#else\n#define ASKED 0\n#endif\n";
    bench.write(
        "source/main.c",
        &format!("{asks}int main(void) {{ return ASKED; }}\n"),
    )?;
    bench.expect(&flags, true, "a source that asks for a header")?;
    bench.expect(&flags, false, "the same again")?;
    bench.write("second/sub/asked.h", "#define ASKED 1\n")?;
    bench.expect(&flags, true, "what was asked for is there")?;
    Ok(())
}

/// Who is warned once and does not see the warning again believes that it is gone.
fn warnings(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject, "int main(void) { int unused; return 0; }\n")?;
    bench.expect(&["-Wall"], true, "with a warning")?;
    bench.expect(&["-Wall"], true, "with a warning, again")?;
    bench.expect(&[], true, "without the warning")?;
    bench.expect(&[], false, "without the warning, again")?;
    Ok(())
}

/// What means something else each time, and words whose effects are not known.
fn unsteady(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject, "int main(void) { return sizeof __DATE__; }\n")?;
    for _ in 0..2 {
        bench.expect(&[], true, "a date")?;
    }
    bench.write("source/main.c", "int main(void) { return 0; }\n")?;
    for _ in 0..2 {
        bench.expect(&["-ftrapv"], true, "an unknown word")?;
    }
    bench.write(
        "source/main.c",
        "#define NAME <x.h>\n#if __has_include(NAME)\n#endif\nint main(void) { return 0; }\n",
    )?;
    for _ in 0..2 {
        bench.expect(&[], true, "a question for a header without a name")?;
    }
    Ok(())
}
