//! What a build is made from, and the keys that follow from it.
//!
//! 1. A step's key is of what its tools are told, word for word, with the places of this cache left out; of the code
//!    that makes something of it besides; of the files and tools that it uses; of the keys of the steps before it.
//! 2. So an edit has done again what it may change, and nothing else.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use bareflow_targets::Target;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::trees::BuildTrees;
use super::{Request, VERSION, package, source, steps};
use crate::error::{Error, Result, system};
use crate::packing::{self, Identity};
use crate::paths::{self, Cache, Package};
use crate::tools::{Identities, Tools};

/// The folder of the sysroot that the SDK alone is made from.
pub const SDK_FOLDER: &str = "program";

/// Which libraries a distribution has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LlvmProfile {
    /// Every library
    #[default]
    Full,
    /// What the kernel links
    Jit,
}

impl LlvmProfile {
    /// Its name in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Jit => "jit",
        }
    }
}

/// What a step's key follows from, besides the keys of the steps before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepInputs {
    /// What its tools are told.
    pub words: Vec<String>,
    /// The sources of the code that does it.
    pub code: &'static [&'static str],
    /// What of the sysroot it reads: files and folders.
    pub sysroot: Vec<&'static str>,
    /// The steps whose output it uses.
    pub after: &'static [&'static str],
    /// Whether the compilers of the distribution are used.
    pub uses_build_tools: bool,
    /// Whether those of programs are.
    pub uses_program_tools: bool,
}

impl StepInputs {
    /// Of a step that compiles for the distribution.
    pub const COMPILED: Self = Self {
        words: Vec::new(),
        code: &[],
        sysroot: Vec::new(),
        after: &[],
        uses_build_tools: true,
        uses_program_tools: false,
    };
}

/// What all steps of a package have to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// What is built for.
    pub target: &'static Target,
    /// SHA-256 of the sources, in hexadecimal.
    pub source_hash: String,
    /// SHA-256 of each file of the sysroot, by its path there.
    pub sysroot: BTreeMap<String, String>,
    /// What tells one set of tools from another.
    pub tools: Identities,
    /// Each step, behind those that it uses.
    pub steps: Vec<(&'static str, StepInputs)>,
}

impl Ground {
    /// Of this repository, these tools and this request.
    ///
    /// # Errors
    /// When a file of the repository cannot be read.
    pub fn collect(
        tools: &Tools,
        request: &Request,
        steps: Vec<(&'static str, StepInputs)>,
    ) -> Result<Self> {
        let files = sysroot_files(request.target)?;
        let hashed = files
            .into_iter()
            .map(|(name, path)| Ok((name, file_hash(&path)?)));
        let sysroot = hashed.collect::<Result<_>>()?;
        Ok(Self {
            target: request.target,
            source_hash: source::identity(request)?,
            sysroot,
            tools: tools.identities(),
            steps,
        })
    }

    /// The key of a step.
    pub fn step_key(&self, name: &str) -> String {
        let (_, inputs) = self
            .steps
            .iter()
            .find(|(step, _)| *step == name)
            .expect("a step is asked for by its name");
        let mut hash = Sha256::new();
        for part in [name, self.target.triple, &self.source_hash] {
            field(&mut hash, part.as_bytes());
        }
        list(&mut hash, &inputs.words);
        list(&mut hash, inputs.code.iter().map(|text| code_of(text)));
        list(&mut hash, [self.sysroot_key(&inputs.sysroot)]);
        if inputs.uses_build_tools {
            list(&mut hash, [&self.tools.build, &self.tools.cmake]);
        }
        if inputs.uses_program_tools {
            list(&mut hash, [&self.tools.program]);
        }
        list(
            &mut hash,
            inputs.after.iter().map(|step| self.step_key(step)),
        );
        hexadecimal(&hash.finalize())
    }

    /// The key of these files and folders of the sysroot.
    pub fn sysroot_key(&self, places: &[&str]) -> String {
        let is_below = |path: &str| {
            places.iter().any(|place| {
                path.strip_prefix(place)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let mut hash = Sha256::new();
        for (path, file) in self.sysroot.iter().filter(|(path, _)| is_below(path)) {
            field(&mut hash, path.as_bytes());
            field(&mut hash, file.as_bytes());
        }
        hexadecimal(&hash.finalize())
    }

    /// The keys of all steps.
    pub fn step_keys(&self) -> Vec<String> {
        self.steps
            .iter()
            .map(|(name, _)| self.step_key(name))
            .collect()
    }

    /// What the build trees stand and fall with: ninja sees changed flags and headers, but neither another
    /// compiler in the same place nor sources with older times.
    pub fn tree_key(&self) -> String {
        let mut hash = Sha256::new();
        field(&mut hash, self.source_hash.as_bytes());
        field(&mut hash, self.tools.build.as_bytes());
        hexadecimal(&hash.finalize())
    }
}

/// The files of the repository's sysroot as a target has it, by their paths there. A target's own folder, which its
/// architecture names, lies over what is for all of them.
///
/// # Errors
/// When a folder cannot be read.
pub fn sysroot_files(target: &Target) -> Result<BTreeMap<String, PathBuf>> {
    let common = paths::repository().join("sysroot");
    let own = common.join(target.architecture);
    let mut files = BTreeMap::new();
    for folder in [common.as_path(), &own] {
        // A target may have nothing of its own.
        if folder.is_dir() {
            let names = source_files(folder)?.into_iter();
            files.extend(names.map(|name| (name.clone(), folder.join(name))));
        }
    }
    Ok(files)
}

/// Trees in a place that does not exist, with tools that only have names: what is told to tools in them is the same for
/// every cache.
pub fn symbolic_trees<T>(
    package: Package,
    request: &Request,
    use_trees: impl FnOnce(BuildTrees) -> T,
) -> T {
    use_trees(BuildTrees {
        package,
        cache: &Cache::at(Path::new("/cache"), &[]),
        tools: &Tools::symbolic(),
        source: Path::new("/source"),
        request,
    })
}

/// Everything that can change a distribution's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Which libraries.
    pub profile: LlvmProfile,
    /// What its steps have to do with.
    pub ground: Ground,
    /// The sources of the code that packs.
    pub packaging: Vec<&'static str>,
}

impl Inputs {
    /// Of this repository, these tools and this request.
    ///
    /// # Errors
    /// When a file of the repository cannot be read.
    pub fn collect(tools: &Tools, request: &Request) -> Result<Self> {
        let profile = request.profile;
        let steps = symbolic_trees(Package::Llvm, request, |trees| {
            steps::Build { trees, profile }.step_inputs()
        });
        Ok(Self {
            profile,
            ground: Ground::collect(tools, request, steps)?,
            packaging: [&[package::CODE], packing::CODE].concat(),
        })
    }

    /// The key of the distribution.
    pub fn distribution_key(&self) -> String {
        let mut hash = Sha256::new();
        list(&mut hash, [self.profile.name()]);
        list(&mut hash, self.ground.step_keys());
        list(&mut hash, [self.ground.sysroot_key(steps::SYSROOT_FOLDERS)]);
        list(&mut hash, self.packaging.iter().map(|text| code_of(text)));
        hexadecimal(&hash.finalize())
    }

    /// Which package the distribution is.
    pub fn identity(&self) -> Identity {
        Identity {
            package: Package::Llvm,
            version: VERSION.to_owned(),
            target: self.ground.target.triple.to_owned(),
            profile: self.profile.name().to_owned(),
            key: self.distribution_key(),
        }
    }
}

/// What of a Rust source decides what its code does: neither comments nor its tests.
pub fn code_of(source: &str) -> String {
    source
        .lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// Their number before the parts keeps two lists from looking like one.
pub fn list(hash: &mut Sha256, parts: impl IntoIterator<Item = impl AsRef<str>>) {
    let parts: Vec<_> = parts.into_iter().collect();
    hash.update((parts.len() as u64).to_le_bytes());
    for part in parts {
        field(hash, part.as_ref().as_bytes());
    }
}

/// A length before each part keeps two lists of parts from looking alike.
pub fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file.
///
/// # Errors
/// When it cannot be read.
pub fn file_hash(path: &Path) -> Result<String> {
    let mut file =
        fs::File::open(path).map_err(system(format!("cannot read {}", path.display())))?;
    let mut hash = HashWriter(Sha256::new());
    std::io::copy(&mut file, &mut hash)
        .map_err(system(format!("cannot read {}", path.display())))?;
    Ok(hexadecimal(&hash.0.finalize()))
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The paths below a folder, in their order, of the files that are somebody's work: neither what editors and version
/// control leave beside them, nor what cargo builds.
///
/// # Errors
/// When the folder cannot be read.
pub fn source_files(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || is_source(entry.file_name())) {
        let entry = entry
            .map_err(|error| Error::Usage(format!("cannot read {}: {error}", folder.display())))?;
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            files.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(files)
}

/// How names of files end that editors and `patch` leave beside a file.
const LEFT_ENDINGS: &[&str] = &["~", "#", ".bak", ".orig", ".rej", ".swp", ".swo", ".tmp"];

/// Whether a file or folder is somebody's work, by its name: neither what editors and version control leave beside it, nor
/// what cargo builds.
pub fn is_source(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_left =
        name.starts_with(['.', '#']) || LEFT_ENDINGS.iter().any(|end| name.ends_with(end));
    !is_left && name != "target"
}

/// The SHA-256 of all source files below a folder: their paths and their contents, in the order of the paths.
///
/// # Errors
/// When one cannot be read.
pub fn folder_hash(folder: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for name in source_files(folder)? {
        field(&mut hash, name.as_bytes());
        field(&mut hash, file_hash(&folder.join(&name))?.as_bytes());
    }
    Ok(hexadecimal(&hash.finalize()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The inputs of this repository, with tools that only have names.
    pub(crate) fn sample() -> Inputs {
        let request = Request::default();
        Inputs::collect(&Tools::symbolic(), &request).unwrap()
    }

    fn words<'a>(inputs: &'a mut Inputs, step: &str) -> &'a mut Vec<String> {
        let mut steps = inputs.ground.steps.iter_mut();
        &mut steps.find(|(name, _)| *name == step).unwrap().1.words
    }

    fn touch(inputs: &mut Inputs, file: &str) {
        let hash = inputs.ground.sysroot.get_mut(file);
        hash.unwrap_or_else(|| panic!("{file}")).push('x');
    }

    /// What is edited, the edit, and the steps whose output may change by it.
    type Edit = (&'static str, fn(&mut Inputs), &'static [&'static str]);

    const ALL: &[&str] = &[
        "native-tools",
        "sysroot",
        "libc",
        "libc-bitcode",
        "libcxx",
        "llvm",
    ];
    const COMPILED: &[&str] = &["libc", "libc-bitcode", "libcxx", "llvm"];

    const EDITS: &[Edit] = &[
        ("profile", |inputs| inputs.profile = LlvmProfile::Jit, &[]),
        ("source", |inputs| inputs.ground.source_hash.push('x'), ALL),
        ("target", |inputs| inputs.ground.target = &OTHER, ALL),
        (
            "compiler",
            |inputs| inputs.ground.tools.build.push('x'),
            ALL,
        ),
        ("cmake", |inputs| inputs.ground.tools.cmake.push('x'), ALL),
        (
            "compiler of programs",
            |inputs| inputs.ground.tools.program.push('x'),
            &["libc-bitcode"],
        ),
        (
            "header of C++",
            |inputs| touch(inputs, "overlay/cxx/string"),
            &["libcxx", "llvm"],
        ),
        (
            "header of C",
            |inputs| touch(inputs, "overlay/c/machine/endian.h"),
            COMPILED,
        ),
        (
            "functions of the C library",
            |inputs| touch(inputs, "libc/entrypoints.txt"),
            &["libc", "libc-bitcode"],
        ),
        (
            "declared functions",
            |inputs| touch(inputs, "libc/declared-functions.txt"),
            &["sysroot", "libc", "libc-bitcode", "libcxx", "llvm"],
        ),
        (
            "precompiled header",
            |inputs| touch(inputs, "llvm/pch/ir.h"),
            &["llvm"],
        ),
        (
            "toolchain file",
            |inputs| touch(inputs, "cmake/toolchain.cmake"),
            COMPILED,
        ),
        (
            "definition",
            |inputs| words(inputs, "libcxx").push("-DX=1".to_owned()),
            &["libcxx", "llvm"],
        ),
        (
            "boundary of words",
            |inputs| {
                let words = words(inputs, "llvm");
                let last = words.pop().unwrap();
                words.last_mut().unwrap().push_str(&last);
            },
            &["llvm"],
        ),
        (
            "code of a step",
            |inputs| inputs.ground.steps[1].1.code = &["fn other() {}"],
            &["sysroot", "libc", "libc-bitcode", "libcxx", "llvm"],
        ),
        (
            "code of the packaging",
            |inputs| inputs.packaging = vec!["fn other() {}"],
            &[],
        ),
    ];

    const OTHER: Target = Target {
        triple: "other",
        ..*bareflow_targets::DEFAULT
    };

    #[test]
    fn an_edit_has_done_again_what_it_may_change_and_nothing_else() {
        let original = sample();
        let names: Vec<&str> = original.ground.steps.iter().map(|step| step.0).collect();
        assert_eq!(names, ALL);
        assert_eq!(original.distribution_key(), sample().distribution_key());
        for (what, edit, expected) in EDITS {
            let mut edited = sample();
            edit(&mut edited);
            let is_changed =
                |name: &&&str| edited.ground.step_key(name) != original.ground.step_key(name);
            let changed: Vec<&str> = ALL.iter().filter(is_changed).copied().collect();
            assert_eq!(&changed, expected, "{what}");
            assert_ne!(
                edited.distribution_key(),
                original.distribution_key(),
                "{what}"
            );
        }
    }

    #[test]
    fn what_decides_is_among_the_words() {
        let sample = sample();
        for (step, word) in [
            ("native-tools", "-DCMAKE_BUILD_TYPE=Release"),
            ("libc", "-DCMAKE_BUILD_TYPE=MinSizeRel"),
            ("libc-bitcode", "strtok"),
            ("libcxx", "-DLIBCXX_ENABLE_RTTI=OFF"),
            ("llvm", "all"),
        ] {
            let (_, inputs) = sample
                .ground
                .steps
                .iter()
                .find(|(name, _)| *name == step)
                .unwrap();
            assert!(
                inputs.words.iter().any(|found| found == word),
                "{step}: {:?}",
                inputs.words
            );
        }
        let triple = format!("-DLIBC_TARGET_TRIPLE={}", sample.ground.target.triple);
        assert!(sample.ground.steps[2].1.words.contains(&triple));
        let (_, llvm) = &sample.ground.steps[5];
        let flags = llvm
            .words
            .iter()
            .find(|word| word.starts_with("-DBAREFLOW_CXX_FLAGS="));
        for flag in ["-march=x86-64", "-mno-red-zone", "-fno-rtti", "/cache"] {
            assert!(flags.unwrap().contains(flag), "{flags:?}");
        }
    }

    #[test]
    fn no_place_of_this_machine_is_in_a_key() {
        let home = std::env::home_dir().unwrap();
        for (step, inputs) in sample().ground.steps {
            for word in inputs.words {
                let names_place = [home.as_path(), &paths::repository()]
                    .iter()
                    .any(|place| word.contains(&*place.to_string_lossy()));
                assert!(!names_place, "{step}: {word}");
            }
        }
    }

    #[test]
    fn only_another_compiler_or_source_makes_build_trees_worthless() {
        let original = sample().ground.tree_key();
        for (what, edit, _) in EDITS {
            let mut edited = sample();
            edit(&mut edited);
            assert_eq!(
                edited.ground.tree_key() != original,
                ["source", "compiler"].contains(what),
                "{what}"
            );
        }
    }

    #[test]
    fn comments_and_tests_are_no_code() {
        let code = "/// Says so.\nfn a() {\n    // Why.\n    b();\n}\n";
        assert_eq!(code_of(code), "fn a() {\n    b();\n}\n");
        assert_eq!(
            code_of(&format!("{code}#[cfg(test)]\nmod tests {{}}\n")),
            code_of(code)
        );
        assert_ne!(code_of(&code.replace("b()", "c()")), code_of(code));
    }

    #[test]
    fn what_editors_leave_changes_nothing_wherever_the_folder_lies() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("target/.hidden");
        fs::create_dir_all(folder.join("target")).unwrap();
        let nothing = folder_hash(&folder).unwrap();
        fs::write(folder.join("errno.h"), "").unwrap();
        let first = folder_hash(&folder).unwrap();
        assert_ne!(first, nothing);
        for name in [
            "errno.h~",
            ".errno.h.swp",
            "#errno.h#",
            ".#errno.h",
            "errno.h.orig",
            "errno.h.rej",
            "errno.h.bak",
            "target/built",
        ] {
            fs::write(folder.join(name), "").unwrap();
            assert_eq!(folder_hash(&folder).unwrap(), first, "{name}");
        }
    }

    #[test]
    fn an_edited_added_or_renamed_file_changes_a_folders_hash() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("errno.h", "#define ENOENT 2");
        let first = folder_hash(folder.path()).unwrap();
        assert_eq!(folder_hash(folder.path()).unwrap(), first);
        write("errno.h", "#define ENOENT 3");
        let edited = folder_hash(folder.path()).unwrap();
        write("time.h", "");
        let added = folder_hash(folder.path()).unwrap();
        fs::rename(folder.path().join("time.h"), folder.path().join("tome.h")).unwrap();
        let renamed = folder_hash(folder.path()).unwrap();
        assert!(first != edited && edited != added && added != renamed);
    }
}
