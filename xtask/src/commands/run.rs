//! `cargo xtask run`: a program, in the machine or hosted, from its sources to its status.

use std::fs;
use std::io::{IsTerminal, Stderr, Stdout, stderr, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bareflow_bundle::{Builder, HOST_INPUT, TERMINALS};
use clap::Args;

use super::guest::{Guest, RunRequests, open_input};
use super::image::storage;
use bareflow_build::kernel::KernelKind;
use bareflow_build::process::{Input, Output, Streams};
use bareflow_build::temporary::TemporaryFolder;
use bareflow_build::tools::{Installation, Tools};
use bareflow_image::disk::{
    self, DATA_DISK_SIZE_BYTES, DEFAULT_SIZE_BYTES, ImageFile, ImageOptions, ImageSize,
};
use bareflow_image::error::{Error, Result};
use bareflow_image::outputs::OutputFile;
use bareflow_image::program::{Transfer, without_snapshots};
use bareflow_report::profile;
use bareflow_run::launch::{Ending, Runner};
use bareflow_run::qemu::{
    Boot, Console, DEFAULT_MEMORY_MIB, Drive, Interface, Machine, Processors,
};

/// How the machine starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum BootMethod {
    /// By its BIOS from a disk image
    #[default]
    Disk,
    /// Directly, by the kernel's PVH entry
    Pvh,
}

/// How the program's streams are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ConsoleKind {
    /// By a virtio console
    #[default]
    Virtio,
    /// By the serial line
    Serial,
}

/// Run a program on the bare machine.
///
/// The program's output is on stdout and nothing else is; the exit status is the program's. Reserved
/// statuses of failures are in the reference, docs/src/reference/exit-codes.md.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Run in the engine as a Linux process, at native speed, instead of the machine
    #[arg(long)]
    hosted: bool,
    /// With --hosted: keep snapshots on the FAT16 volume of this disk image, which is made if it is not there
    #[arg(long, value_name = "FILE", requires = "hosted")]
    disk: Option<PathBuf>,
    /// What the program reads from its standard input, instead of what this command has there
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// Write a snapshot at the end of the run, even if none is due
    #[arg(long)]
    snapshot: bool,
    /// Write a profile of the run to this file; `cargo xtask report` shows it
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// RAM of the machine [default: 512], or bound of the hosted kernel's address space [default: none]
    #[arg(long, value_name = "N")]
    memory_mib: Option<u32>,
    /// Processors of the machine, QEMU's -smp: the compiler can have the second (--set background=1)
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "hosted",
        value_parser = clap::value_parser!(u32).range(1..=255)
    )]
    smp: Option<u32>,
    /// Stop the program after this many seconds
    #[arg(long, value_name = "N", default_value_t = 600)]
    timeout_s: u64,
    /// How the machine starts
    #[arg(long, value_enum, default_value_t)]
    boot: BootMethod,
    /// How the machine's disk is connected
    #[arg(long, value_enum, default_value_t)]
    interface: Interface,
    /// Compress LLVM in the image that is booted
    #[arg(long, conflicts_with_all = ["hosted", "image"])]
    compress: bool,
    /// How the program's streams are connected: by fast ports, or by the serial line alone
    #[arg(long, value_enum, default_value_t, conflicts_with = "hosted")]
    console: ConsoleKind,
    /// Show the machine's display, of a kind that QEMU knows (gtk, sdl, curses, vnc=:1); input comes from its keyboard
    #[arg(long, value_name = "KIND", conflicts_with_all = ["hosted", "console", "stdin"])]
    display: Option<String>,
    /// Boot this disk image instead of a new one; what the machine writes stays in it
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["program", "tier", "settings", "llvm", "profile", "hosted", "boot"]
    )]
    image: Option<PathBuf>,
    #[command(flatten)]
    guest: Guest,
}

impl RunArgs {
    /// Runs the program; its status is the result.
    ///
    /// # Errors
    /// Whatever kept it from being run.
    pub fn run(self) -> Result<ExitCode> {
        if let Some(image) = &self.image {
            return self.boot_image(image);
        }
        if self.compress && self.boot == BootMethod::Pvh {
            return Err(Error::usage(
                "--compress: nothing is compressed without a disk image (--boot disk)",
            ));
        }
        for (path, option) in [(&self.profile, "--profile"), (&self.disk, "--disk")] {
            if let Some(path) = path {
                let inputs = self.guest.inputs()?.into_iter().chain(self.stdin.clone());
                OutputFile::new(path, option)?.other_than(inputs)?;
            }
        }
        let (context, mut bundle) = self.guest.prepare(RunRequests {
            profile: self.profile.is_some(),
            snapshot: self.snapshot,
            transfer: match (self.hosted, self.boot) {
                (false, BootMethod::Pvh) => Transfer::Embedded,
                _ => Transfer::ByPath,
            },
        })?;
        if !self.hosted {
            let mut builder = Builder::of(&bundle).expect("it was just built");
            builder.add(TERMINALS, &self.terminals());
            bundle = builder.finish();
        }
        if let Some(disk) = self.disk.as_deref().filter(|disk| !disk.exists()) {
            disk::write_data_disk(disk, DATA_DISK_SIZE_BYTES)?;
        }
        let folder = TemporaryFolder::new("run")?;

        let kind = if self.hosted {
            KernelKind::Hosted
        } else {
            KernelKind::Machine
        };
        let builder = self.guest.kernel_builder(&context)?;
        let executable = builder.build(kind, self.guest.llvm)?;
        let kernel_file = executable.clone();
        let bundle_path = folder.path().join("bundle");
        fs::write(&bundle_path, &bundle)?;
        let kernel = if self.hosted {
            Runner::Hosted {
                executable,
                bundle: bundle_path,
                memory_mib: self.memory_mib,
                disk: self.disk.clone(),
            }
        } else {
            let boot = match self.boot {
                BootMethod::Disk => {
                    let image = folder.path().join("disk.img");
                    let bundle = without_snapshots(&bundle);
                    let options = ImageOptions {
                        llvm: storage(self.compress),
                        ..ImageSize::AtLeast(DEFAULT_SIZE_BYTES).into()
                    };
                    context.write_image(&executable, &bundle, options, &image)?;
                    Boot::Disk(Drive {
                        interface: self.interface,
                        ..Drive::new(image)
                    })
                }
                BootMethod::Pvh => Boot::Pvh {
                    kernel: executable,
                    bundle: bundle_path,
                },
            };
            self.machine(context.tools.qemu.clone(), boot)
        };
        let raw_profile = folder.path().join("profile");
        let timeout = Duration::from_secs(self.timeout_s);
        let ending = kernel.run_with(
            timeout,
            self.streams()?,
            self.profile.is_some().then_some(raw_profile.as_path()),
        )?;
        if let Some(path) = &self.profile {
            profile::complete(&raw_profile, &kernel_file, path)?;
        }
        Ok(exit_code(&ending))
    }

    fn boot_image(&self, image: &Path) -> Result<ExitCode> {
        ImageFile::open(image)?.check_length()?;
        let tools = Tools::find(Installation::from_flag(self.guest.install_tools))?;
        let mut overlay = self.guest.overlay();
        overlay.add(TERMINALS, &self.terminals());
        if self.stdin.is_some() {
            overlay.add(HOST_INPUT, b"");
        }
        let boot = Boot::Disk(Drive {
            interface: self.interface,
            overlay: Some(overlay.finish()),
            ..Drive::new(image)
        });
        let timeout = Duration::from_secs(self.timeout_s);
        let ending = self
            .machine(tools.qemu, boot)
            .run_with(timeout, self.streams()?, None)?;
        Ok(exit_code(&ending))
    }

    /// What the program reads, and where it writes. Nothing lies between a process and them; QEMU goes on when nobody
    /// takes what it writes, and is watched.
    fn streams(&self) -> Result<Streams<Stdout, Stderr>> {
        let input = match &self.stdin {
            None => Input::Inherited,
            Some(path) => Input::File(open_input(path)?),
        };
        let (output, errors) = if self.hosted {
            (Output::Inherited, Output::Inherited)
        } else {
            (Output::To(stdout()), Output::To(stderr()))
        };
        Ok(Streams {
            input,
            output,
            errors,
        })
    }

    fn console(&self) -> Console {
        match (&self.display, self.console) {
            (Some(kind), _) => Console::Display(kind.clone()),
            (None, ConsoleKind::Virtio) => Console::Fast,
            (None, ConsoleKind::Serial) => Console::Serial,
        }
    }

    /// The standard descriptors at whose other end somebody sits.
    fn terminals(&self) -> Vec<u8> {
        let terminals = [
            self.stdin.is_none() && stdin().is_terminal(),
            stdout().is_terminal(),
            stderr().is_terminal(),
        ];
        let numbered = (0..).zip(terminals);
        numbered
            .filter_map(|(number, is_terminal)| is_terminal.then_some(number))
            .collect()
    }

    fn machine(&self, qemu: PathBuf, boot: Boot) -> Runner {
        Runner::Machine(Machine {
            qemu,
            memory_mib: self.memory_mib.unwrap_or(DEFAULT_MEMORY_MIB),
            processors: self.smp.map_or_else(Processors::default, Processors::Count),
            counts_instructions: false,
            console: self.console(),
            boot,
        })
    }
}

/// The program's status or a reserved one; what the kernel could not say itself goes to stderr.
fn exit_code(ending: &Ending) -> ExitCode {
    ending.explain();
    ExitCode::from(ending.code)
}
