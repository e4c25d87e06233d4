//! What the tests run programs in.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bareflow_bundle::{Builder, Bundle, FILE};

use bareflow_build::process::Recorder;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::disk::{DEFAULT_SIZE_BYTES, ImageOptions};
use bareflow_image::program::{ProgramCompiler, without_snapshots};
use bareflow_report::profile::{self, RunProfile};
use bareflow_run::launch::{Ending, Runner};
use bareflow_run::qemu::{Boot, Console, Drive, Machine, Processors, ReadError};

/// The machine's RAM in tests: the least that is promised to do.
const MEMORY_MIB: u32 = 256;
const HOSTED_TIMEOUT: Duration = Duration::from_secs(60);
const MACHINE_TIMEOUT: Duration = Duration::from_secs(240);
/// How much of a run's output and log is kept.
const RECORD_LIMIT_BYTES: usize = 4 << 20;
const SHOWN_LOG_LINES: usize = 20;
/// The first sector of the boot partition: the kernel's header, which starts with its signature.
const HEADER_SECTOR: u64 = 64;
/// Well inside the kernel.
const BROKEN_SECTOR: u64 = HEADER_SECTOR + 1000;
const SECTOR_SIZE_BYTES: u64 = 512;
/// In the middle of the code of stage 2.
const STAGE2_DAMAGE: u64 = 1000;

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The hosted kernel.
    Hosted,
    /// The machine, started by its BIOS from a disk image.
    Disk,
    /// The machine, started by the PVH entry.
    Pvh,
}

impl Place {
    /// Its name in tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hosted => "hosted",
            Self::Disk => "machine",
            Self::Pvh => "pvh",
        }
    }
}

/// What a test changes of the usual run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions {
    /// Another size of RAM, or a bound of the hosted kernel's address space.
    pub memory_mib: Option<u32>,
    /// Another limit of time.
    pub timeout: Option<Duration>,
    /// Damage to the disk.
    pub damage: Option<Damage>,
    /// The machine's processors.
    pub processors: Processors,
}

/// Damage to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The kernel's signature is not what it should be.
    WrongSignature,
    /// Some bytes of stage 2 are not what they should be.
    Stage2,
    /// A sector in the middle of the kernel cannot be read.
    ReadError,
}

/// A run, as a test sees it.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// The program's output.
    pub output: Vec<u8>,
    /// Everything else.
    pub log: String,
    /// The profile, where the bundle asks for one.
    pub profile: Option<RunProfile>,
}

impl Run {
    /// One whose end the kernel has reported.
    pub fn ended(code: u8, output: Vec<u8>, log: String) -> Self {
        let ending = Ending { code, note: None };
        Self {
            ending,
            output,
            log,
            profile: None,
        }
    }

    /// For the message of a failed test.
    pub fn describe(&self) -> String {
        let mut text = format!("status {}\n", self.ending.code);
        if let Some(note) = &self.ending.note {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{note}");
        }
        let lines: Vec<&str> = self.log.lines().collect();
        let shown = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
        let _ = writeln!(text, "last lines of the log:\n{}", shown.join("\n"));
        text
    }
}

/// Everything that the tests of programs share.
#[derive(Debug)]
pub struct Subject {
    /// The repository and the tools.
    pub context: Context,
    /// Compiles programs for the kernels.
    pub compiler: ProgramCompiler,
    hosted_kernel: Option<PathBuf>,
    machine_kernel: Option<PathBuf>,
    folder: TemporaryFolder,
    serial: AtomicUsize,
}

impl Subject {
    /// Of the tools and both kernels; the tests of a kernel that could not be built fail.
    ///
    /// # Errors
    /// That no temporary folder can be made.
    pub fn new(
        context: &Context,
        hosted_kernel: Option<PathBuf>,
        machine_kernel: Option<PathBuf>,
    ) -> io::Result<Self> {
        Ok(Self {
            context: context.clone(),
            compiler: context.program_compiler(),
            hosted_kernel,
            machine_kernel,
            folder: TemporaryFolder::new("test")?,
            serial: AtomicUsize::new(0),
        })
    }

    /// A path in the temporary folder that nothing else uses.
    pub fn fresh_path(&self, name: &str) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{serial}-{name}"))
    }

    /// Runs the program in `bundle`.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn run(&self, place: Place, bundle: &[u8], conditions: Conditions) -> Result<Run, String> {
        let bundle_path = self.bundle_file(bundle)?;
        let mut image_path = None;
        let kernel = match place {
            Place::Hosted => Runner::Hosted {
                executable: self.hosted_kernel()?,
                bundle: bundle_path.clone(),
                memory_mib: conditions.memory_mib,
                disk: None,
            },
            Place::Disk => {
                let path = self.fresh_path("disk.img");
                let boot = self.disk(&path, bundle, conditions.damage)?;
                image_path = Some(path);
                self.machine(boot, conditions)
            }
            Place::Pvh => {
                let kernel = built(self.machine_kernel.as_ref())?;
                self.machine(
                    Boot::Pvh {
                        kernel,
                        bundle: bundle_path.clone(),
                    },
                    conditions,
                )
            }
        };
        let default_timeout = if place == Place::Hosted {
            HOSTED_TIMEOUT
        } else {
            MACHINE_TIMEOUT
        };
        let timeout = conditions.timeout.unwrap_or(default_timeout);
        let run = self.record(&kernel, timeout);
        for path in [Some(bundle_path), image_path].into_iter().flatten() {
            // What is left goes with the folder.
            let _ = fs::remove_file(path);
        }
        run
    }

    /// Runs the program in `bundle` in a hosted kernel, with a disk if there is one.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn run_executable(
        &self,
        executable: PathBuf,
        bundle: &[u8],
        disk: Option<&Path>,
    ) -> Result<Run, String> {
        let bundle_path = self.bundle_file(bundle)?;
        let kernel = Runner::Hosted {
            executable,
            bundle: bundle_path.clone(),
            memory_mib: None,
            disk: disk.map(Path::to_owned),
        };
        let run = self.record(&kernel, HOSTED_TIMEOUT);
        // What is left goes with the folder.
        let _ = fs::remove_file(bundle_path);
        run
    }

    /// The hosted kernel.
    ///
    /// # Errors
    /// That it could not be built.
    pub fn hosted_kernel(&self) -> Result<PathBuf, String> {
        built(self.hosted_kernel.as_ref())
    }

    fn bundle_file(&self, bundle: &[u8]) -> Result<PathBuf, String> {
        let path = self.fresh_path("bundle");
        fs::write(&path, bundle).map_err(|error| error.to_string())?;
        Ok(path)
    }

    /// Runs to the end and keeps what comes of it.
    fn record(&self, kernel: &Runner, timeout: Duration) -> Result<Run, String> {
        let output = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let log = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let profile_path = self.fresh_path("profile");
        let ending = kernel.run(timeout, output.clone(), log.clone(), Some(&profile_path));
        // A run that asks for no profile leaves no text.
        let profile = fs::read(&profile_path)
            .ok()
            .filter(|text| !text.is_empty())
            .map(|text| profile::parse(&text).map_err(|error| error.to_string()))
            .transpose()?;
        // What is left goes with the folder.
        let _ = fs::remove_file(profile_path);
        Ok(Run {
            ending: ending.map_err(|error| error.to_string())?,
            output: output.bytes(),
            log: String::from_utf8_lossy(&log.bytes()).into_owned(),
            profile,
        })
    }

    /// Writes a disk image with the machine's kernel.
    ///
    /// # Errors
    /// What kept it from being written.
    pub fn write_image<'a>(
        &self,
        path: &Path,
        bundle: &[u8],
        options: impl Into<ImageOptions<'a>>,
    ) -> Result<(), String> {
        let kernel = built(self.machine_kernel.as_ref())?;
        self.context
            .write_image(&kernel, bundle, options, path)
            .map_err(|error| error.to_string())
    }

    /// The machine's kernel.
    ///
    /// # Errors
    /// That it could not be built.
    pub fn machine_kernel(&self) -> Result<PathBuf, String> {
        built(self.machine_kernel.as_ref())
    }

    /// Writes a disk image and damages it as asked.
    fn disk(&self, path: &Path, bundle: &[u8], damage: Option<Damage>) -> Result<Boot, String> {
        self.write_image(path, &without_snapshots(bundle), DEFAULT_SIZE_BYTES)?;
        let mut read_error = None;
        match damage {
            None => {}
            Some(Damage::WrongSignature) => {
                overwrite(path, HEADER_SECTOR * SECTOR_SIZE_BYTES, b"DULF")
                    .map_err(|error| format!("cannot change {}: {error}", path.display()))?;
            }
            Some(Damage::Stage2) => {
                overwrite(path, STAGE2_DAMAGE, &[0xff; 16])
                    .map_err(|error| format!("cannot change {}: {error}", path.display()))?;
            }
            Some(Damage::ReadError) => {
                read_error = Some(ReadError {
                    sector: BROKEN_SECTOR,
                });
            }
        }
        Ok(Boot::Disk(Drive {
            read_error,
            ..Drive::new(path)
        }))
    }

    fn machine(&self, boot: Boot, conditions: Conditions) -> Runner {
        Runner::Machine(Machine {
            processors: conditions.processors,
            ..self.emulated(boot, conditions.memory_mib)
        })
    }

    /// The machine, with as much RAM as usual unless asked otherwise.
    pub fn emulated(&self, boot: Boot, memory_mib: Option<u32>) -> Machine {
        Machine {
            qemu: self.context.tools.qemu.clone(),
            memory_mib: memory_mib.unwrap_or(MEMORY_MIB),
            processors: Processors::default(),
            counts_instructions: false,
            console: Console::default(),
            boot,
        }
    }
}

/// The bundle with further files for the program.
pub fn with_files(bundle: &[u8], files: &[(impl AsRef<str>, Vec<u8>)]) -> Vec<u8> {
    let mut builder = Builder::default();
    for entry in Bundle::open(bundle)
        .expect("the bundle was made here")
        .entries()
    {
        builder.add(entry.name, entry.contents);
    }
    for (name, contents) in files {
        builder.add(&format!("{FILE}{}", name.as_ref()), contents);
    }
    builder.finish()
}

fn built(kernel: Option<&PathBuf>) -> Result<PathBuf, String> {
    kernel
        .cloned()
        .ok_or_else(|| "the kernel could not be built".into())
}

/// The program that users run: this process's own, and for a harness of cargo's the one that was built beside it.
///
/// # Errors
/// That there is none.
pub fn xtask() -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    if own.file_stem().is_some_and(|name| name == "xtask") {
        return Ok(own);
    }
    let beside = own.ancestors().nth(2).map(|folder| folder.join("xtask"));
    beside.filter(|path| path.is_file()).ok_or_else(|| {
        io::Error::other("there is no xtask to test; `cargo build --package xtask` makes it")
    })
}

/// Changes bytes of a file.
///
/// # Errors
/// Those of the file.
pub fn overwrite(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}
