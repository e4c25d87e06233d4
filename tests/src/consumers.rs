//! The distribution as its users have it: unpacked in a folder of any name, without this repository and without Rust, under
//! build systems that know nothing of it.
//!
//! Everything happens in a temporary folder with a space in its name, and starts from the package alone.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use walkdir::WalkDir;

use super::downstream::{finish, is_in_no_cache, product_for};
use super::runner::{Outcome, Test};
use super::subject::Subject;
use bareflow_build::cargo::clean_environment;
use bareflow_build::packing::copy_tree;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_build::tools::which;
use bareflow_targets::{DEFAULT, TARGETS, Target};
use bareflow_tier_policy::TIERS;

/// What examples and fixtures print.
const HELLO: &str = "hello from LLVM 18.1.8: 6 * 7 = 42\n";
const SQUARE: &str = "define i32 @square(i32 %0)";

/// Rust's target for programs on the Linux of the host.
const RUST_TARGET: &str = DEFAULT.rust.target;

/// The distribution in a place of its own, and who uses it.
struct Consumers {
    subject: Arc<Subject>,
    target: &'static Target,
    place: OnceLock<Result<Option<Place>, String>>,
}

struct Place {
    folder: TemporaryFolder,
    /// Below a folder with a space in its name.
    distribution: PathBuf,
    /// The same below one without: for command lines that nobody quotes.
    plain: PathBuf,
}

type Check = fn(&Consumers) -> Result<(), String>;

/// Those that every target's distribution has, with the tools that they want.
const CHECKS: &[(&str, &[&str], Check)] = &[
    ("readme", &[], check_readme),
    ("llvm_config", &[], check_llvm_config),
    ("probes", &[], check_probes),
    ("c_library", &[], check_c_library),
    ("cmake", &[], check_cmake),
    ("command_line", &[], check_command_line),
    ("pkg_config_and_make", &["pkg-config", "make"], check_make),
    ("meson", &["pkg-config", "meson"], check_meson),
];

/// Those of targets that have the engine, and Rust's standard library over the runtime.
const CHECKS_WITH_ENGINE: &[(&str, &[&str], Check)] = &[
    ("kernel", &[], check_kernel),
    ("engine", &[], check_engine),
    ("rust", &[], check_rust),
];

/// The tests of the group: a target's own but for the usual one's have its architecture in their names.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    TARGETS
        .iter()
        .flat_map(|target| tests_of_target(subject, target))
        .collect()
}

fn tests_of_target(subject: &Arc<Subject>, target: &'static Target) -> Vec<Test> {
    let consumers = Arc::new(Consumers {
        subject: Arc::clone(subject),
        target,
        place: OnceLock::new(),
    });
    let group = if target == DEFAULT {
        "consumers".to_owned()
    } else {
        format!("consumers::{}", target.architecture)
    };
    let more = CHECKS_WITH_ENGINE.iter().filter(|_| target.has_engine);
    CHECKS
        .iter()
        .chain(more)
        .map(|(name, tools, check)| {
            let consumers = Arc::clone(&consumers);
            Test::new(format!("{group}::{name}"), move || {
                match tools.iter().find(|tool| which(tool).is_none()) {
                    Some(tool) => Outcome::Skipped(format!("{tool} is not installed")),
                    None if consumers.is_absent() => Outcome::Skipped(is_in_no_cache(target)),
                    None => Outcome::from(check(&consumers)),
                }
            })
        })
        .collect()
}

impl Consumers {
    fn place(&self) -> Result<&Place, String> {
        match self.place.get_or_init(|| self.unpack()) {
            Ok(Some(place)) => Ok(place),
            Ok(None) => Err(is_in_no_cache(self.target)),
            Err(error) => Err(error.clone()),
        }
    }

    fn is_absent(&self) -> bool {
        matches!(self.place.get_or_init(|| self.unpack()), Ok(None))
    }

    /// Files of a package are never written to: second names do for copies.
    fn unpack(&self) -> Result<Option<Place>, String> {
        let Some(package) = product_for(&self.subject, self.target)? else {
            return Ok(None);
        };
        let failed = |error: std::io::Error| format!("cannot copy the distribution: {error}");
        let folder = TemporaryFolder::new("consumers").map_err(failed)?;
        let (distribution, plain) = (
            folder.path().join("a folder/bareflow"),
            folder.path().join("bareflow"),
        );
        for to in [&distribution, &plain] {
            link_tree(&package, to).map_err(failed)?;
        }
        Ok(Some(Place {
            folder,
            distribution,
            plain,
        }))
    }

    /// A fresh folder whose name has a space.
    fn fresh(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.place()?.folder.path().join(format!("{name} here"));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        Ok(folder)
    }

    /// A copy of a fixture for a test, away from the repository.
    fn fixture(&self, test: &str, name: &str) -> Result<PathBuf, String> {
        let folder = self.fresh(test)?.join("source");
        let from = self.subject.context.root.join("tests/fixtures/consumers");
        copy_tree(&from.join(name), &folder, |_| true).map_err(|error| error.to_string())?;
        Ok(folder)
    }

    fn suffix(&self) -> Result<String, String> {
        let clang = &self.subject.context.tools.clang;
        let name = clang.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix("clang")
            .map(str::to_owned)
            .ok_or_else(|| format!("{name} does not begin with clang"))
    }

    /// A command as a user's shell runs it: without what cargo has set.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        clean_environment(Command::new(program.as_ref()))
    }

    /// Lines of a shell, with `DIST` for the distribution and `CLANG` for the compiler's name.
    fn shell(&self, folder: &Path, distribution: &Path, lines: &str) -> Result<String, String> {
        let mut shell = self.command("sh");
        shell
            .args(["-e", "-u", "-c", lines])
            .env("DIST", distribution)
            .env("CLANGXX", format!("clang++{}", self.suffix()?))
            // Else CMake wants make.
            .env("CMAKE_GENERATOR", "Ninja")
            .current_dir(folder);
        finish(shell.output(), lines)
    }

    /// Configures a project with the toolchain file; returns its build folder.
    fn configure(&self, source: &Path, build_type: &str) -> Result<PathBuf, String> {
        let build = source.with_file_name(format!("build {build_type}"));
        let toolchain = self
            .place()?
            .distribution
            .join("share/bareflow/toolchain.cmake");
        let mut cmake = self.command("cmake");
        cmake
            .args(["-G", "Ninja", "-S"])
            .arg(source)
            .arg("-B")
            .arg(&build)
            .arg(format!("-DCMAKE_TOOLCHAIN_FILE={}", toolchain.display()))
            .arg(format!("-DCMAKE_BUILD_TYPE={build_type}"));
        finish(cmake.output(), "cmake")?;
        Ok(build)
    }

    fn build(&self, folder: &Path) -> Result<(), String> {
        let mut cmake = self.command("cmake");
        finish(cmake.arg("--build").arg(folder).output(), "cmake --build").map(drop)
    }
}

/// The same files below another folder.
fn link_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let path = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if entry.file_type().is_dir() {
            fs::create_dir_all(path)?;
        } else {
            match fs::hard_link(entry.path(), &path) {
                // A copy would empty the file if both names are its own.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                Err(_) => drop(fs::copy(entry.path(), &path)?),
                Ok(()) => {}
            }
        }
    }
    Ok(())
}

fn expect(text: &str, wanted: &str) -> Result<(), String> {
    if text.contains(wanted) {
        return Ok(());
    }
    Err(format!("{wanted:?} was not printed, but {text:?}"))
}

/// The commands of the package's README, as they stand there.
fn check_readme(consumers: &Consumers) -> Result<(), String> {
    let distribution = &consumers.place()?.plain;
    let readme = fs::read_to_string(distribution.join("README.md"))
        .map_err(|error| format!("README.md: {error}"))?;
    let commands: Vec<&str> = readme
        .split("\n## ")
        .find(|section| section.starts_with("Hello"))
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    if commands.len() != 2 {
        return Err(format!("README.md has {commands:?} as its first commands"));
    }
    // The example's folder of results goes where the commands are typed.
    let text = consumers.shell(distribution, distribution, &commands.join("\n"))?;
    expect(&text, HELLO)?;
    let test = consumers.shell(distribution, distribution, "cd hello && ctest")?;
    expect(&test, "100% tests passed")
}

/// The shipped `llvm-config` runs anywhere, knows nothing of where it was built, and its answers are there.
fn check_llvm_config(consumers: &Consumers) -> Result<(), String> {
    let distribution = &consumers.place()?.distribution;
    let program = distribution.join("bin/llvm-config");
    let bytes = fs::read(&program).map_err(|error| error.to_string())?;
    let elf = object::read::elf::ElfFile64::<object::Endianness>::parse(&*bytes)
        .map_err(|error| error.to_string())?;
    let needs_loader = elf
        .elf_program_headers()
        .iter()
        .any(|header| header.p_type.get(object::Endianness::Little) == object::elf::PT_INTERP);
    if needs_loader {
        return Err("llvm-config asks for a dynamic loader".to_owned());
    }
    let home = env::var("HOME").unwrap_or_default();
    let root = consumers.subject.context.root.display().to_string();
    for path in [&root, &home] {
        let found = bytes
            .windows(path.len().max(1))
            .any(|window| window == path.as_bytes());
        if path.len() > 1 && found {
            return Err(format!("llvm-config holds {path}, a path of its builder"));
        }
    }

    let bare = consumers
        .command(&program)
        .output()
        .map_err(|error| error.to_string())?;
    let usage = String::from_utf8_lossy(&bare.stderr);
    if bare.status.code() != Some(1) || !usage.starts_with("usage: llvm-config") {
        return Err(format!("without options: {}, {usage}", bare.status));
    }
    let ask = |arguments: &[&str]| {
        finish(
            consumers.command(&program).args(arguments).output(),
            &arguments.join(" "),
        )
    };
    let folder = ask(&["--cmakedir"])?;
    if !Path::new(folder.trim_end())
        .join("LLVMConfig.cmake")
        .is_file()
    {
        return Err(format!("--cmakedir is {folder}"));
    }
    for option in ["--obj-root", "--src-root", "--prefix"] {
        let text = ask(&[option])?;
        if Path::new(text.trim_end()) != distribution {
            return Err(format!("{option} is {text}"));
        }
    }
    expect(&ask(&["--build-system"])?, "cmake\n")?;
    let names = ask(&["--libnames", "all"])?;
    for name in names.split_whitespace() {
        if !distribution.join("lib").join(name).is_file() {
            return Err(format!("--libnames has {name}, which is not there"));
        }
    }
    Ok(())
}

/// CMake's checks give true answers, and find nothing of this machine.
fn check_probes(consumers: &Consumers) -> Result<(), String> {
    let source = consumers.fixture("probes", "probes")?;
    consumers.configure(&source, "Release").map(drop)
}

/// Targets, components and upstream's functions; tests and steps of the build run programs.
fn check_cmake(consumers: &Consumers) -> Result<(), String> {
    let source = consumers.fixture("cmake", "cmake")?;
    for build_type in ["Debug", "MinSizeRel"] {
        let build = consumers.configure(&source, build_type)?;
        consumers.build(&build)?;
        let printed = fs::read_to_string(build.join("printed.ll"))
            .map_err(|error| format!("printed.ll: {error}"))?;
        expect(&printed, SQUARE)?;
        expect(&printed, "; handler\n; destructor\n")?;
        let tests = consumers.shell(&build, &build, "ctest")?;
        expect(&tests, "100% tests passed, 0 tests failed out of 2")?;
    }
    Ok(())
}

/// Programs in C and C++ without LLVM: calls with numbers of all lengths, jumps, allocation, text and thread-local data.
fn check_c_library(consumers: &Consumers) -> Result<(), String> {
    let place = consumers.place()?;
    let source = consumers.fixture("c library", "c_library")?;
    let lines = "\
        config=\"$DIST/bin/llvm-config\"\n\
        clang=clang${CLANGXX#clang++}\n\
        $clang -std=c17 -Wall -Werror $($config --cflags) -c numbers.c\n\
        $CLANGXX -std=c++17 -Wall -Werror $($config --cxxflags) -c objects.cpp\n\
        for program in numbers objects; do\n\
        $CLANGXX $($config --ldflags) $program.o $($config --system-libs) -o $program\n\
        ./$program\n\
        done";
    let expected = fs::read_to_string(source.join("expected.txt"))
        .map_err(|error| format!("expected.txt: {error}"))?;
    let printed = consumers.shell(&source, &place.plain, lines)?;
    if printed == expected {
        return Ok(());
    }
    Err(format!("{printed:?} was printed, not {expected:?}"))
}

/// The documented commands, literally; and quoted, in a folder with a space.
fn check_command_line(consumers: &Consumers) -> Result<(), String> {
    let place = consumers.place()?;
    let source = consumers.fixture("command line", "cmake")?;
    let literal = "\
        for part in main printing; do\n\
        $CLANGXX $(\"$DIST/bin/llvm-config\" --cxxflags) -c $part.cpp\n\
        done\n\
        $CLANGXX $(\"$DIST/bin/llvm-config\" --ldflags) main.o printing.o \
        $(\"$DIST/bin/llvm-config\" --libs --system-libs core) -o literal\n\
        ./literal";
    expect(&consumers.shell(&source, &place.plain, literal)?, SQUARE)?;
    let quoted = "\
        flags=$(\"$DIST/bin/llvm-config\" --cxxflags --ldflags | tr '\\n' ' ')\n\
        libraries=$(\"$DIST/bin/llvm-config\" --libs --system-libs core | tr '\\n' ' ')\n\
        eval \"$CLANGXX $flags main.cpp printing.cpp $libraries -o quoted\"\n\
        ./quoted";
    expect(
        &consumers.shell(&source, &place.distribution, quoted)?,
        SQUARE,
    )
}

/// What is linked for the bare machine has an entry of its own, and nothing of Linux.
fn check_kernel(consumers: &Consumers) -> Result<(), String> {
    let distribution = &consumers.place()?.distribution;
    let source = consumers.fresh("kernel")?.join("source");
    link_tree(
        &distribution.join("share/bareflow/examples/kernel"),
        &source,
    )
    .map_err(|error| error.to_string())?;
    let build = consumers.configure(&source, "Release")?;
    consumers.build(&build)?;
    let mut qemu = consumers.command(&consumers.subject.context.tools.qemu);
    qemu.args([
        "-M",
        "q35",
        "-m",
        "128M",
        "-nographic",
        "-no-reboot",
        "-nic",
        "none",
    ])
    .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel"])
    .arg(build.join("kernel"));
    let output = qemu.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The device turns the status 0x10 into this one.
    if output.status.code() != Some(33) {
        return Err(format!("{}: {text}", output.status));
    }
    expect(&text, SQUARE)
}

/// C with `llvm_baremetal.h`: one program after another, in every tier, and the image's own `exit` after them.
fn check_engine(consumers: &Consumers) -> Result<(), String> {
    let source = consumers.fixture("engine", "engine")?;
    let build = consumers.configure(&source, "MinSizeRel")?;
    consumers.build(&build)?;
    let text = consumers.shell(&build, &build, "./tool first second")?;
    let tiers = text.matches("hello\n").count();
    let results = text.matches(": 49\n").count();
    if tiers != TIERS.len() || results != tiers {
        return Err(format!("the tool printed {text:?}"));
    }
    expect(&text, "first second: 3 arguments at the end\n")
}

/// Rust programs with the standard library: unmodified `llvm-sys` and inkwell, and the crate `cmake`.
fn check_rust(consumers: &Consumers) -> Result<(), String> {
    let source = consumers.fixture("rust", "rust")?;
    let lines = format!(
        "\
        suffix=${{CLANGXX#clang++}}\n\
        export CARGO_ENCODED_RUSTFLAGS=$(\"$DIST/bin/llvm-config\" --rustflags)\n\
        export LLVM_SYS_181_PREFIX=\"$DIST\" CC=clang$suffix AR=llvm-ar$suffix CC_SHELL_ESCAPED_FLAGS=1\n\
        export BAREFLOW_DIST=\"$DIST\" BAREFLOW_CLANG_SUFFIX=$suffix CARGO_TARGET_DIR=target\n\
        export CARGO_TARGET_{}_LINKER=clang$suffix\n\
        cargo build --locked --target {RUST_TARGET}\n\
        for program in direct safe with-cmake; do target/{RUST_TARGET}/debug/$program; done",
        RUST_TARGET.to_uppercase().replace('-', "_")
    );
    let text = consumers.shell(&source, &consumers.place()?.distribution, &lines)?;
    if text.matches(SQUARE).count() != 3 {
        return Err(format!("the programs printed {text:?}"));
    }
    expect(&text, "object: [127, 69, 76, 70]\n")
}

/// pkg-config and make.
fn check_make(consumers: &Consumers) -> Result<(), String> {
    let source = consumers.fixture("make", "make")?;
    add_sources(consumers, &source)?;
    let lines = "export PKG_CONFIG_PATH=\"$DIST/lib/pkgconfig\"\nmake CXX=$CLANGXX\n./consumer";
    let distribution = &consumers.place()?.distribution;
    expect(&consumers.shell(&source, distribution, lines)?, SQUARE)
}

/// Meson, which finds the distribution by pkg-config.
fn check_meson(consumers: &Consumers) -> Result<(), String> {
    let source = consumers.fixture("meson", "meson")?;
    add_sources(consumers, &source)?;
    let lines = "\
        printf \"[constants]\\ndist = '%s'\\nsuffix = '%s'\\n\" \"$DIST\" \"${CLANGXX#clang++}\" > dist.ini\n\
        meson setup build --cross-file \"$DIST/share/bareflow/meson.ini\" --cross-file dist.ini\n\
        meson test -C build";
    let distribution = &consumers.place()?.distribution;
    consumers.shell(&source, distribution, lines).map(drop)
}

/// The sources that the fixture of CMake has.
fn add_sources(consumers: &Consumers, folder: &Path) -> Result<(), String> {
    let from = consumers
        .subject
        .context
        .root
        .join("tests/fixtures/consumers/cmake");
    for name in ["main.cpp", "printing.cpp", "printing.h"] {
        fs::copy(from.join(name), folder.join(name)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
