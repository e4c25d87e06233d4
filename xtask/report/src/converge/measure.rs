//! Booting an image again and again, and measuring each boot.
//!
//! Every boot is made twice from the same state of the disk: once with instructions counted, whose writes are
//! forgotten, and once at full speed, whose writes stay.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bareflow_bundle::Bundle;
use bareflow_protocol::report::Counters;
use bareflow_tier_policy::TIERS;

use super::{Boot, Convergence, Native, SCHEMA, UsedOnly, UsedOnlyBoot, steady_from};
use crate::profile::{self, RunProfile};
use bareflow_build::kernel::KernelKind;
use bareflow_build::process::Recorder;
use bareflow_image::context::Context;
use bareflow_image::disk::{ImageFile, ImageSize, Snapshots, shrink};
use bareflow_image::error::{Error, Result};
use bareflow_image::export::{self, Guidance};
use bareflow_run::launch::LaunchError;
use bareflow_run::qemu::{self, Drive, Machine, Report, Verdict, Writes};

const TIMEOUT: Duration = Duration::from_secs(1200);

/// What is booted.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Tools and kernels.
    pub context: &'a Context,
    /// The image, which keeps what the boots write. Its bundle asks for profiles.
    pub image: &'a Path,
    /// Where used-only images are made.
    pub used_image: PathBuf,
    /// Where the final image is made.
    pub native_image: PathBuf,
    /// The program's name.
    pub program: String,
    /// RAM of the machine, in MiB.
    pub memory_mib: u32,
    /// How many boots.
    pub boots: u64,
}

/// One run of the machine.
struct Run {
    first_output: Duration,
    end: Duration,
    output: Vec<u8>,
    status: u8,
    counters: Counters,
    report: Report,
}

/// What the program has written, and its status.
type Outcome = (Vec<u8>, u8);

/// Boots the image, then makes the used-only image and the final one and boots them. Each boot's figures go to
/// `progress` as they come.
///
/// # Errors
/// That a boot fails, or that its output is not that of the first.
pub fn measure(subject: &Subject, mut progress: impl FnMut(&Boot)) -> Result<Convergence> {
    let image = ImageFile::open(subject.image)?;
    let loaded_bytes = image.boot_bytes();
    let mut boots: Vec<Boot> = Vec::new();
    let mut first: Option<Outcome> = None;
    for number in 1..=subject.boots {
        let counted = subject.run(subject.image, Writes::Dropped)?;
        let timed = subject.run(subject.image, Writes::Kept)?;
        for run in [&counted, &timed] {
            let first = first.get_or_insert_with(|| (run.output.clone(), run.status));
            subject.expect(&format!("boot {number}"), run, first)?;
        }
        let boot = boot_of(number, &counted, &timed, loaded_bytes)?;
        progress(&boot);
        boots.push(boot);
    }
    let used_only = subject.used_only(&image, first.as_ref())?;
    let native = subject.native(&image, first.as_ref())?;
    for boot in &mut boots {
        boot.relative_to_native =
            boot.program_instructions as f64 / native.program_instructions.max(1) as f64;
    }
    Ok(Convergence {
        schema: SCHEMA,
        program: subject.program.clone(),
        memory_mib: subject.memory_mib,
        llvm_bytes: image.llvm_bytes(),
        steady: steady_from(&boots),
        boots,
        used_only,
        native,
    })
}

fn boot_of(number: u64, counted: &Run, timed: &Run, loaded_bytes: u64) -> Result<Boot> {
    let in_instructions = counted.profile()?;
    let profile = timed.profile()?;
    let counters = counted.counters;
    let mut functions = [0; TIERS.len()];
    for function in &profile.functions {
        functions[function.tier.index()] += 1;
    }
    let remembered = profile.boot.as_ref();
    let snapshot_bytes = remembered.map_or(0, |boot| match boot.saved {
        Some(_) => boot.saved_bytes,
        None => boot.snapshot_bytes,
    });
    Ok(Boot {
        number,
        first_output_s: timed.first_output.as_secs_f64(),
        end_s: timed.end.as_secs_f64(),
        first_output_instructions: counters.first_output_cycles,
        instructions: counters.cycles,
        program_instructions: counters.program_cycles,
        compile_instructions: in_instructions.compile_cycles,
        disk_bytes_read: loaded_bytes + counters.disk_bytes_read,
        llvm_bytes_read: counters.llvm.map_or(0, |llvm| llvm.bytes),
        memory_bytes: counters.peak_memory_bytes,
        functions,
        snapshot: remembered.and_then(|boot| boot.snapshot),
        snapshot_bytes,
        relative_to_native: 0.0,
    })
}

impl Run {
    fn profile(&self) -> Result<RunProfile> {
        let text = self.report.profile.as_deref().unwrap_or_default();
        profile::parse(text.as_bytes())
            .map_err(|error| Error::build(format!("the kernel's profile: {error}")))
    }
}

impl Subject<'_> {
    fn run(&self, image: &Path, writes: Writes) -> Result<Run> {
        let machine = Machine {
            qemu: self.context.tools.qemu.clone(),
            memory_mib: self.memory_mib,
            processors: qemu::Processors::default(),
            counts_instructions: writes == Writes::Dropped,
            console: qemu::Console::default(),
            boot: qemu::Boot::Disk(Drive {
                writes,
                ..Drive::new(image)
            }),
        };
        let mut output = TimedOutput::default();
        let log = Recorder::new(1 << 16, io::sink());
        let start = Instant::now();
        let (verdict, report) =
            qemu::boot(&machine, TIMEOUT, &mut output, log.clone()).map_err(LaunchError::from)?;
        let end = start.elapsed();
        let (Verdict::Ended(status), Some(counters)) = (verdict, report.counters) else {
            return Err(Error::build(format!(
                "{} did not run: {verdict}\n{}",
                self.program,
                String::from_utf8_lossy(&log.bytes())
            )));
        };
        Ok(Run {
            first_output: output.first.map_or(end, |first| first - start),
            end,
            output: output.bytes,
            status,
            counters,
            report,
        })
    }

    fn expect(&self, what: &str, run: &Run, first: &Outcome) -> Result<()> {
        if (&run.output, run.status) == (&first.0, first.1) {
            return Ok(());
        }
        Err(Error::build(format!(
            "{what} of {} has another output or status than the first boot",
            self.program
        )))
    }

    fn used_only(&self, image: &ImageFile, first: Option<&Outcome>) -> Result<UsedOnly> {
        let boot = |snapshots| -> Result<(u64, UsedOnlyBoot)> {
            let shrunk = shrink(image, &self.used_image, snapshots)?;
            let run = self.run(&self.used_image, Writes::Kept)?;
            if let Some(first) = first {
                self.expect("the used-only image", &run, first)?;
            }
            let boot = UsedOnlyBoot {
                first_output_s: run.first_output.as_secs_f64(),
                llvm_bytes_read: run.counters.llvm.map_or(0, |llvm| llvm.bytes),
                memory_bytes: run.counters.peak_memory_bytes,
            };
            Ok((shrunk.kept_bytes, boot))
        };
        let (llvm_bytes, fresh) = boot(Snapshots::Dropped)?;
        let (_, grown) = boot(Snapshots::Kept)?;
        Ok(UsedOnly {
            llvm_bytes,
            fresh,
            grown,
        })
    }

    fn native(&self, image: &ImageFile, first: Option<&Outcome>) -> Result<Native> {
        let bytes = export::bundle_of(image)?;
        let bundle = Bundle::open(&bytes).expect("the bundle was checked when it was read");
        let guidance = Guidance::of_image(image)?;
        let kernel = self.context.exported_kernel(&self.native_image);
        export::build_kernel(
            self.context,
            &bundle,
            guidance.as_ref(),
            None,
            KernelKind::Native,
            &kernel,
        )?;
        let bundle = export::without_modules(&bundle);
        self.context
            .write_image(&kernel, &bundle, ImageSize::Smallest, &self.native_image)?;
        let counted = self.run(&self.native_image, Writes::Dropped)?;
        let timed = self.run(&self.native_image, Writes::Kept)?;
        if let Some(first) = first {
            self.expect("the final image", &timed, first)?;
        }
        Ok(Native {
            image_bytes: self.native_image.metadata()?.len(),
            first_output_s: timed.first_output.as_secs_f64(),
            instructions: counted.counters.cycles,
            program_instructions: counted.counters.program_cycles,
            memory_bytes: counted.counters.peak_memory_bytes,
        })
    }
}

/// What was written, and when the first byte was.
#[derive(Debug, Default)]
struct TimedOutput {
    first: Option<Instant>,
    bytes: Vec<u8>,
}

impl Write for &mut TimedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.first.get_or_insert_with(Instant::now);
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
