//! Used-only images: with what they need, with less, and what they cannot be made from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bareflow_boot_layout::{BOOT_PARTITION_SECTOR, SECTOR_SIZE_BYTES};
use bareflow_pager::{PageSet, RECORD_FOLDER, RECORD_NAMES, Record};

use super::paging::{Booted, boot_drive, open, record};
use super::runner::{Check, Test};
use super::subject::{Subject, overwrite};
use super::volume;
use bareflow_image::disk::{Snapshots, shrink};
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_run::qemu::{Drive, Interface};

const SIZE_BYTES: u64 = 128 << 20;
const SOURCE: &str = "examples/fib.c";
const FAILURE: &str = "a compilation fails";
const INTERPRETED: [&str; 3] = ["calls=-,-,-,-", "iterations=-,-,-,-", "snapshot-every=-"];
/// Every boot compiles the same, however slow the host is: a second one is to need no page that the first has not used.
const EVERYTHING: [&str; 3] = ["policy=counts", "settle-percent=-", "settle-ms=60000"];
/// At one level: counts go on from boot to boot, and a later one could be due for another level.
const COMPILED: [&str; 3] = ["calls=-,-,-,1", "iterations=-,-,-,1", "snapshot-every=-"];

/// The tests of used-only images.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 4] = [
        ("grown", grown),
        ("compilations_that_fail", compilations_that_fail),
        ("page_that_cannot_be_done_without", essential_page),
        ("refused", refused),
    ];
    Test::of_checks("used_only", subject, &checks)
}

fn image(subject: &Subject, settings: &[&str]) -> Result<PathBuf, String> {
    let source = subject.context.root.join(SOURCE);
    let program =
        Program::build(&[source], &subject.compiler).map_err(|error| error.to_string())?;
    let options = TierOptions {
        settings: settings.iter().map(|setting| (*setting).into()).collect(),
        ..TierOptions::default()
    };
    let path = subject.fresh_path("source.img");
    let bundle = program.bundle_with(&[], Tier::Auto, &options);
    subject.write_image(&path, &bundle, SIZE_BYTES)?;
    Ok(path)
}

fn boot(subject: &Subject, image: &Path) -> Result<Booted, String> {
    boot_drive(subject, Drive::new(image))?.expect_output()
}

fn without_driver(image: PathBuf) -> Drive {
    Drive {
        interface: Interface::Ahci,
        ..Drive::new(image)
    }
}

fn shrunk(subject: &Subject, image: &Path, snapshots: Snapshots) -> Result<PathBuf, String> {
    let path = subject.fresh_path("used.img");
    shrink(&open(image)?, &path, snapshots).map_err(|error| error.to_string())?;
    Ok(path)
}

/// Has the image say that its boots have used these pages.
fn pretend(subject: &Subject, image: &Path, used: PageSet) -> Result<(), String> {
    let record = Record {
        clusters: Vec::new(),
        used,
    };
    let bytes = record.encode(open(image)?.header.llvm_table_checksum);
    let path = format!("{RECORD_FOLDER}/{}", RECORD_NAMES[0]);
    volume::write_file(image, &path, &bytes, &subject.fresh_path("record"))
}

fn grown(subject: &Subject) -> Result<(), String> {
    let image = image(subject, &EVERYTHING)?;
    boot(subject, &image)?;
    let used = record(&image)?.used;

    let kept = shrunk(subject, &image, Snapshots::Kept)?;
    volume::check_file_system(&kept, &subject.fresh_path("volume"))?;
    let booted = boot(subject, &kept)?;
    let holds = booted.llvm().is_some_and(|(bytes, _)| bytes == 0);
    booted.expect(holds, "nothing of LLVM should be read")?;

    let dropped = shrunk(subject, &image, Snapshots::Dropped)?;
    let (full, part) = (open(&image)?.llvm_bytes(), open(&dropped)?.llvm_bytes());
    if 2 * part > full {
        return Err(format!("{part} bytes of LLVM are kept of {full}"));
    }
    let booted = boot(subject, &dropped)?;
    let holds = booted
        .llvm()
        .is_some_and(|(bytes, _)| bytes > 0 && bytes < part);
    let booted = booted.expect(holds, "a part of LLVM should be read")?;
    let of_its_own = record(&dropped)?.used;
    // LLVM's tables are by addresses, which differ a little from image to image: it may compare what it has not compared
    // before, and is refused the page.
    let lacks_page = booted.log.contains("the image does not have LLVM's page");
    let are_known = of_its_own.iter().all(|page| used.contains(page));
    let holds = !of_its_own.is_empty() && (are_known || lacks_page);
    booted.expect(holds, "pages were used that the image does not have")?;

    let booted = boot_drive(subject, without_driver(dropped))?.expect_output()?;
    let holds = booted.llvm().is_none();
    booted
        .expect(holds, "all that there is of LLVM should be loaded")
        .map(drop)
}

/// Of LLVM there is what interprets: everything stays in the interpreter, and the next boot knows that.
fn compilations_that_fail(subject: &Subject) -> Result<(), String> {
    let interpreted = image(subject, &INTERPRETED)?;
    boot(subject, &interpreted)?;
    let image = image(subject, &COMPILED)?;
    pretend(subject, &image, record(&interpreted)?.used)?;
    let image = shrunk(subject, &image, Snapshots::Kept)?;
    let booted = boot(subject, &image)?;
    let holds = booted.log.contains(FAILURE);
    booted.expect(holds, "nothing can be compiled")?;
    let booted = boot(subject, &image)?;
    let holds = !booted.log.contains(FAILURE);
    booted.expect(holds, "what has failed was tried again")?;
    // Without a driver nothing is remembered, and all that there is of LLVM is loaded.
    let booted = boot_drive(subject, without_driver(image))?.expect_output()?;
    let holds = booted.log.contains(FAILURE);
    booted.expect(holds, "nothing can be compiled").map(drop)
}

fn essential_page(subject: &Subject) -> Result<(), String> {
    let image = image(subject, &[])?;
    let mut used = PageSet::new(open(&image)?.header.llvm_pages as usize);
    used.insert(0);
    pretend(subject, &image, used)?;
    let image = shrunk(subject, &image, Snapshots::Kept)?;
    boot_drive(subject, Drive::new(image))?
        .expect_failure(115, &["pages of LLVM that were used before"])
        .map(drop)
}

fn refused(subject: &Subject) -> Result<(), String> {
    let image = image(subject, &INTERPRETED)?;
    let expect = |words: &str| match shrunk(subject, &image, Snapshots::Kept) {
        Ok(_) => Err(format!("expected a refusal with '{words}'")),
        Err(error) if error.contains(words) => Ok(()),
        Err(error) => Err(format!("expected '{words}': {error}")),
    };
    expect("no boot of")?;
    boot(subject, &image)?;
    let sector = u64::from(BOOT_PARTITION_SECTOR + open(&image)?.header.llvm_sector());
    let offset = sector * SECTOR_SIZE_BYTES as u64;
    overwrite(&image, offset + 100, b"damaged").map_err(|error| error.to_string())?;
    expect("LLVM is damaged")
}
