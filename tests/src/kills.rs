//! Machines that lose their power at any moment of boots that write snapshots.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::runner::{Outcome, Test};
use super::subject::Subject;
use super::volume;
use bareflow_build::process::Recorder;
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_run::qemu::{self, Boot, Drive, Verdict};

/// Machines that are killed while they run.
const KILLS: u32 = 30;
/// How many of them must have printed everything, and so be writing.
const KILLS_WHILE_WRITING: u32 = KILLS / 10;
/// Boots that are tried for that: one that ends before it is killed does not count.
const MOST_ATTEMPTS: u32 = 5 * KILLS;
const SIZE_BYTES: u64 = 128 << 20;
const TIMEOUT: Duration = Duration::from_secs(240);
const RECORD_LIMIT_BYTES: usize = 1 << 16;
/// Its data is in each snapshot, so that writing one takes a good part of a boot.
const SOURCE: &str = "#include <stdio.h>
static unsigned char data[1 << 20] = {[0 ... (1 << 20) - 1] = 3};
int main(void) {
  unsigned sum = 0;
  for (unsigned i = 0; i < sizeof data; i++)
    sum += data[i]++;
  printf(\"sum %u\\n\", sum);
  return 0;
}
";
const OUTPUT: &str = "sum 3145728";
/// Every boot writes a snapshot, and so few are kept that every boot deletes one.
const SETTINGS: [&str; 2] = ["snapshot-every=0", "snapshot-keep=2"];

/// The test of power cuts.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let subject = Arc::clone(subject);
    vec![Test::new("snapshots::power_cuts::machine", move || {
        Outcome::from(check(&subject))
    })]
}

struct Victim<'a> {
    subject: &'a Subject,
    image: PathBuf,
    /// The newest snapshot that a whole boot has written.
    newest: u32,
}

fn check(subject: &Subject) -> Result<(), String> {
    let mut victim = Victim {
        subject,
        image: subject.fresh_path("power.img"),
        newest: 0,
    };
    victim.write_image()?;
    victim.boot_whole()?;
    let start = Instant::now();
    victim.boot_whole()?;
    let whole = start.elapsed();
    let (mut kills, mut kills_while_writing) = (0, 0);
    for attempt in 0..MOST_ATTEMPTS {
        if kills >= KILLS && kills_while_writing >= KILLS_WHILE_WRITING {
            break;
        }
        // Over the whole boot, and every second time within its last third, where it writes.
        let part = f64::from(attempt / 2 % KILLS) / f64::from(KILLS);
        let moment = match attempt % 2 {
            0 => part,
            _ => (2.0 + part) / 3.0,
        };
        let (verdict, log) = victim.boot(whole.mul_f64(moment))?;
        if verdict == Verdict::TimedOut {
            kills += 1;
            kills_while_writing += u32::from(victim.has_printed(&log));
        }
        victim
            .boot_whole()
            .map_err(|error| format!("after a power cut at {moment:.3} of a boot: {error}"))?;
    }
    println!(
        "{kills} machines were killed in the middle of boots that write snapshots, {kills_while_writing} of them \
         behind the program's output"
    );
    if kills < KILLS || kills_while_writing < KILLS_WHILE_WRITING {
        return Err("too few machines could be killed, or too few while they wrote".into());
    }
    Ok(())
}

impl Victim<'_> {
    fn write_image(&self) -> Result<(), String> {
        let source = self.subject.fresh_path("power.c");
        fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
        let program =
            Program::build(&[source], &self.subject.compiler).map_err(|error| error.to_string())?;
        let options = TierOptions {
            settings: SETTINGS.map(String::from).to_vec(),
            ..TierOptions::default()
        };
        let bundle = program.bundle_with(&[], Tier::Auto, &options);
        self.subject.write_image(&self.image, &bundle, SIZE_BYTES)
    }

    /// Boots, and kills the machine after so long.
    fn boot(&self, lifetime: Duration) -> Result<(Verdict, String), String> {
        let machine = self
            .subject
            .emulated(Boot::Disk(Drive::new(&self.image)), None);
        let log = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
        let output = Recorder::new(RECORD_LIMIT_BYTES, log.clone());
        let (verdict, _) = qemu::boot(&machine, lifetime, output, log.clone())
            .map_err(|error| error.to_string())?;
        Ok((verdict, String::from_utf8_lossy(&log.bytes()).into_owned()))
    }

    fn has_printed(&self, log: &str) -> bool {
        log.contains(OUTPUT)
    }

    /// Boots to the end: the output is right, the boot goes on from the newest snapshot that was whole or from the one
    /// that was being written, and the volume is in order.
    fn boot_whole(&mut self) -> Result<(), String> {
        let (verdict, log) = self.boot(TIMEOUT)?;
        if verdict != Verdict::Ended(0) || !self.has_printed(&log) {
            return Err(format!("{verdict}\n{log}"));
        }
        let used = number_behind(&log, "from snapshot ").unwrap_or(0);
        let saved = number_behind(&log, "saved as snapshot ")
            .ok_or_else(|| format!("no snapshot was written\n{log}"))?;
        if used < self.newest || used > self.newest + 1 {
            return Err(format!(
                "snapshot {} was written, and {used} was used\n{log}",
                self.newest
            ));
        }
        self.newest = saved;
        self.check_volume(&self.subject.fresh_path("power.fat"))
    }

    fn check_volume(&self, copy: &Path) -> Result<(), String> {
        let checked = volume::check_file_system(&self.image, copy);
        // What is left goes with the folder.
        let _ = fs::remove_file(copy);
        checked
    }
}

/// The number behind these words.
fn number_behind(log: &str, words: &str) -> Option<u32> {
    let (_, rest) = log.rsplit_once(words)?;
    let end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}
