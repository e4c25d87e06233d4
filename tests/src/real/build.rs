//! Building a project twice: by clang for Linux, and by the drivers for BareFlow.

use std::fs::{self, File, Permissions};
use std::io::{BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::inputs;
use super::table::{Project, Run};
use bareflow_build::registry;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;

/// A project in its two forms.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its folder, built for Linux.
    pub linux: PathBuf,
    /// Its folder, built for BareFlow.
    pub bareflow: PathBuf,
    /// The folder of its inputs.
    pub inputs: PathBuf,
}

impl Built {
    /// An input of a run: of the project's inputs, of those that several have, or of its own folder.
    pub fn input(&self, file: &str) -> PathBuf {
        let common = self.inputs.with_file_name("common");
        [self.inputs.join(file), common.join(file)]
            .into_iter()
            .find(|path| path.is_file())
            .unwrap_or_else(|| self.linux.join(file))
    }

    /// What a run reads from its standard input.
    pub fn stdin(&self, run: &Run) -> PathBuf {
        let file = run.stdin.as_ref();
        file.map_or(PathBuf::from("/dev/null"), |file| self.input(file))
    }
}

/// How many lines of a failed build are shown.
const SHOWN_LINES: usize = 25;

/// Builds it, or finds it in the cache, where it is by everything that it was made from.
///
/// # Errors
/// What kept it from being built.
pub fn build(context: &Context, project: &Project) -> Result<Built, String> {
    Ok(Built {
        linux: provide(context, project, "linux", &linux_environment(context))?,
        bareflow: provide(
            context,
            project,
            "bareflow",
            &bareflow_environment(context)?,
        )?,
        inputs: inputs(&context.root, project),
    })
}

/// Builds it for Linux with another compiler, or with other flags behind the project's own; returns its folder.
///
/// # Errors
/// What kept it from being built.
pub fn build_natively(
    context: &Context,
    project: &Project,
    compilers: &Compilers,
) -> Result<PathBuf, String> {
    let environment = compilers.environment(context)?;
    provide(context, project, "linux", &environment)
}

/// What a project is built with for Linux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compilers {
    /// The compilers of C and of C++.
    pub programs: [PathBuf; 2],
    /// What they get behind all other words.
    pub flags: Vec<String>,
}

impl Compilers {
    /// Scripts stand for the compilers: what a build system says after the flags would count, and not they.
    fn environment(&self, context: &Context) -> Result<Environment, String> {
        let names = ["cc", "c++"];
        let scripts = self.programs.each_ref().map(|program| {
            let (program, flags) = (program.display(), self.flags.join(" "));
            format!("#!/bin/sh\nexec {program} -ffp-contract=off \"$@\" {flags}\n")
        });
        let key = hex(Sha256::digest(scripts.concat()).as_slice());
        let folder = projects(context).join("compilers").join(&key[..16]);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let paths = names.map(|name| folder.join(name));
        for (path, script) in paths.iter().zip(&scripts) {
            fs::write(path, script)
                .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o755)))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let [cc, cxx] = paths.map(|path| path.display().to_string());
        let mut environment = linux_environment(context);
        for (name, value) in &mut environment {
            match *name {
                "CC" => value.clone_from(&cc),
                "CXX" => value.clone_from(&cxx),
                "CMAKE" => {
                    *value = format!("-DCMAKE_C_COMPILER={cc} -DCMAKE_CXX_COMPILER={cxx}");
                }
                _ => {}
            }
        }
        Ok(environment)
    }
}

fn projects(context: &Context) -> PathBuf {
    context.cache().root().join("projects")
}

/// A project's folder as this environment makes it.
fn provide(
    context: &Context,
    project: &Project,
    side: &str,
    environment: &Environment,
) -> Result<PathBuf, String> {
    let tarball = registry::provide(context.cache(), &project.origin(), &project.sha256)?;
    let inputs = inputs(&context.root, project);
    let key = key_of(project, &inputs, environment)?;
    let folder = projects(context).join(format!("{}-{side}-{}", project.name, &key[..16]));
    if !folder.is_dir() {
        make(project, &tarball, &inputs, environment, &folder)
            .map_err(|error| format!("{} for {side}: {error}", project.name))?;
    }
    Ok(folder)
}

type Environment = Vec<(&'static str, String)>;

fn linux_environment(context: &Context) -> Environment {
    let tools = &context.tools;
    let clang = tools.program_clang.display();
    let clangxx = tools.program_clangxx.display();
    vec![
        ("CC", format!("{clang} -ffp-contract=off")),
        ("CXX", format!("{clangxx} -ffp-contract=off")),
        ("AR", tools.ar.display().to_string()),
        ("RANLIB", tools.ranlib.display().to_string()),
        ("HOSTCC", clang.to_string()),
        ("CONFIGURE", String::new()),
        (
            "CMAKE",
            format!("-DCMAKE_C_COMPILER={clang} -DCMAKE_CXX_COMPILER={clangxx}"),
        ),
    ]
}

fn bareflow_environment(context: &Context) -> Result<Environment, String> {
    let sdk = &context.sdk;
    let tool = |name: &str| sdk.join("bin").join(name).display().to_string();
    let toolchain = sdk.join("share/bareflow/bareflow.cmake");
    if !toolchain.is_file() {
        return Err(format!("{} is not there", toolchain.display()));
    }
    Ok(vec![
        ("CC", tool("bareflow-cc")),
        ("CXX", tool("bareflow-c++")),
        ("AR", tool("bareflow-ar")),
        ("RANLIB", tool("bareflow-ranlib")),
        ("HOSTCC", context.tools.program_clang.display().to_string()),
        ("CONFIGURE", "--host=x86_64-bareflow".to_owned()),
        (
            "CONFIG_SITE",
            sdk.join("share/bareflow/config.site").display().to_string(),
        ),
        (
            "CMAKE",
            format!("-DCMAKE_TOOLCHAIN_FILE={}", toolchain.display()),
        ),
        (
            "CONFIG_SITE",
            sdk.join("share/bareflow/config.site").display().to_string(),
        ),
    ])
}

/// The SDK's folder, which the environment names, has a key of its own.
fn key_of(project: &Project, inputs: &Path, environment: &Environment) -> Result<String, String> {
    let mut hash = Sha256::new();
    for text in [&project.sha256, &project.script] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    for (name, value) in environment {
        hash.update(format!("{name}={value}\n"));
    }
    if inputs.is_dir() {
        hash.update(
            bareflow_build::llvm::inputs::folder_hash(inputs).map_err(|error| error.to_string())?,
        );
    }
    Ok(hex(hash.finalize().as_slice()))
}

/// In hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn make(
    project: &Project,
    tarball: &Path,
    inputs: &Path,
    environment: &Environment,
    folder: &Path,
) -> Result<(), String> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    let partial = TemporaryFolder::new_in(parent).map_err(|error| error.to_string())?;
    let root = unpack(tarball, partial.path())
        .map_err(|error| format!("{}: {error}", tarball.display()))?;
    let mut command = Command::new("sh");
    command
        .args(["-e", "-u", "-c", &project.script])
        .current_dir(&root)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("INPUTS", inputs)
        .stdin(Stdio::null());
    for name in [
        "CFLAGS",
        "CXXFLAGS",
        "CPPFLAGS",
        "LDFLAGS",
        "CPATH",
        "MAKEFLAGS",
    ] {
        command.env_remove(name);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        // Warnings and notes can be many behind the error.
        let last = lines.len().saturating_sub(SHOWN_LINES);
        let first = lines.iter().position(|line| line.contains(" error: "));
        let start = first.map_or(last, |first| first.min(last));
        let shown = &lines[start..(start + SHOWN_LINES).min(lines.len())];
        return Err(format!("it does not build:\n{}", shown.join("\n")));
    }
    match fs::rename(&root, folder) {
        Ok(()) => {}
        // Another process has built the same.
        Err(_) if folder.is_dir() => {}
        Err(error) => return Err(format!("cannot write {}: {error}", folder.display())),
    }
    Ok(())
}

/// Unpacks a tarball; returns the folder of the project, which most tarballs have around it.
fn unpack(tarball: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    let file = BufReader::new(File::open(tarball)?);
    let name = tarball.to_string_lossy();
    let reader: Box<dyn Read> = if name.ends_with(".xz") {
        Box::new(liblzma::read::XzDecoder::new(file))
    } else if name.ends_with(".bz2") {
        Box::new(bzip2::read::BzDecoder::new(file))
    } else {
        Box::new(flate2::read::GzDecoder::new(file))
    };
    tar::Archive::new(reader).unpack(folder)?;
    let entries: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    Ok(match entries.as_slice() {
        [only] if only.is_dir() => only.clone(),
        _ => folder.to_owned(),
    })
}
