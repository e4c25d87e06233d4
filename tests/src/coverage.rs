//! What of LLVM a program uses: by page, by function, and in an image that has no other pages.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bareflow_bundle::Bundle;
use serde_json::Value;

use super::runner::{Check, Test};
use super::subject::Subject;
use bareflow_build::kernel::KernelKind;
use bareflow_image::disk::{ImageFile, ImageSize, Snapshots, shrink};
use bareflow_image::export;
use bareflow_image::program::{Program, Tier};
use bareflow_report::size::{Counts, Coverage, ImageSizes, Tracing};
use bareflow_run::launch::Runner;
use bareflow_run::qemu::{Boot, Drive};

const SIZE_BYTES: u64 = 128 << 20;
const TIMEOUT: Duration = Duration::from_secs(240);
const PAGE_SIZE_BYTES: u64 = 4096;

/// The tests of the coverage in `cargo xtask size`.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 2] = [("fib", check), ("native", check_native)];
    Test::of_checks("coverage", subject, &checks)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// The program as a bundle. In one tier nothing depends on time: every boot uses the same of LLVM.
fn bundle(subject: &Subject) -> Result<Vec<u8>, String> {
    let source = subject.context.root.join("examples/fib.c");
    let program = Program::build(&[source], &subject.compiler).map_err(text)?;
    Ok(program.bundle(&[], Tier::O2))
}

fn boot(subject: &Subject, image: &Path) -> Result<(), String> {
    let machine = subject.emulated(Boot::Disk(Drive::new(image)), None);
    let ending = Runner::Machine(machine)
        .run(TIMEOUT, io::sink(), io::sink(), None)
        .map_err(text)?;
    expect(ending.code == 0, &format!("the boot ended so: {ending:?}"))
}

fn measure(subject: &Subject, image: &Path, tracing: Tracing) -> Result<ImageSizes, String> {
    let sizes = ImageSizes::measure(image, &subject.context, tracing).map_err(text)?;
    let parts: u64 = sizes.whole.parts.iter().map(|part| part.bytes).sum();
    let size_bytes = fs::metadata(image).map_err(text)?.len();
    expect(parts == size_bytes, "the parts do not fill the image")?;
    Ok(sizes)
}

fn coverage(sizes: &ImageSizes) -> Result<&Coverage, String> {
    let coverage = sizes.coverage.as_ref();
    coverage.ok_or_else(|| "nothing is known of what was used".into())
}

fn expect(holds: bool, problem: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem.into()) }
}

fn check(subject: &Subject) -> Result<(), String> {
    let image = subject.fresh_path("coverage.img");
    subject.write_image(&image, &bundle(subject)?, SIZE_BYTES)?;
    let before = measure(subject, &image, Tracing::Off)?;
    expect(
        before.coverage.is_none(),
        "something is known before the first boot",
    )?;
    boot(subject, &image)?;
    let sizes = measure(subject, &image, Tracing::NextBoot)?;
    let full = coverage(&sizes)?;
    check_full(full).map_err(|problem| format!("{problem}\n{:?}", full.total))?;
    check_json(&sizes)?;

    let used_only = subject.fresh_path("used.img");
    let source = ImageFile::open(&image).map_err(text)?;
    shrink(&source, &used_only, Snapshots::Kept).map_err(text)?;
    let before = measure(subject, &used_only, Tracing::Off)?;
    expect(
        before.coverage.is_none(),
        "the used-only image knows of another one's boots",
    )?;
    boot(subject, &used_only)?;
    let sizes = measure(subject, &used_only, Tracing::Off)?;
    check_used_only(&sizes, full)
        .map_err(|problem| format!("{problem}\n{:?}", coverage(&sizes).map(|found| found.total)))
}

fn check_full(found: &Coverage) -> Result<(), String> {
    for counts in [found.pages.counts, found.total.bytes, found.total.functions] {
        expect(
            counts.in_image == counts.all,
            "a full image has less than all of LLVM",
        )?;
        expect(
            (1..counts.all).contains(&counts.used.unwrap_or(0)),
            "all of LLVM was used, or nothing",
        )?;
    }
    for library in &found.libraries {
        let Counts { all, used, .. } = library.figures.functions;
        expect(
            library.figures.ran <= used && used <= Some(all),
            &format!("{} has fewer functions than ran", library.library),
        )?;
    }
    let core = found
        .libraries
        .iter()
        .find(|library| library.library == "libLLVMCore");
    expect(
        core.is_some_and(|core| core.figures.ran > Some(100)),
        "libLLVMCore was not used",
    )?;
    let ran: Vec<_> = found
        .functions
        .iter()
        .filter(|function| function.ran == Some(true))
        .collect();
    expect(
        Some(ran.len() as u64) == found.total.ran,
        "the list has not all functions that ran",
    )?;
    // The pages of all functions that ran were used: with this tier the boot that was traced is like the one before.
    let on_used_pages = found.total.functions.used;
    expect(
        Some(found.functions.len() as u64) == on_used_pages,
        "a function ran on no used page",
    )?;
    expect(
        ran.iter()
            .any(|function| function.name.starts_with("llvm::")),
        "no name is readable",
    )
}

/// What others read has the same figures.
fn check_json(sizes: &ImageSizes) -> Result<(), String> {
    let json = serde_json::to_string(sizes).map_err(text)?;
    let json: Value = serde_json::from_str(&json).map_err(text)?;
    let coverage = &json["coverage"];
    let pages = &coverage["pages"];
    let ranges = pages["used_ranges"].as_array().into_iter().flatten();
    let numbers: BTreeSet<u64> = ranges
        .filter_map(|range| Some((range[0].as_u64()?, range[1].as_u64()?)))
        .flat_map(|(first, count)| first..first + count)
        .collect();
    expect(
        pages["used"].as_u64() == Some(numbers.len() as u64),
        "the ranges are not the used pages",
    )?;
    let functions = coverage["functions"].as_array().map_or(0, Vec::len);
    expect(
        coverage["total"]["functions"]["used"].as_u64() == Some(functions as u64),
        "the list has not all functions",
    )
}

fn check_used_only(sizes: &ImageSizes, full: &Coverage) -> Result<(), String> {
    let found = coverage(sizes)?;
    expect(
        Some(found.pages.counts.in_image) >= full.pages.counts.used,
        "the image does not have all pages that were used",
    )?;
    let totals = [
        (found.pages.counts, full.pages.counts),
        (found.total.bytes, full.total.bytes),
        (found.total.functions, full.total.functions),
    ];
    for (counts, of_full) in totals {
        expect(counts.all == of_full.all, "LLVM has another size")?;
        expect(
            counts.in_image < counts.all,
            "the image has all of LLVM still",
        )?;
        expect(
            (1..=counts.in_image).contains(&counts.used.unwrap_or(0)),
            "more was used than the image has",
        )?;
    }
    let kernel = sizes.kernel.as_ref().ok_or("the kernel is not known")?;
    let libraries: u64 = kernel.llvm.iter().map(|sizes| sizes.image_bytes()).sum();
    expect(
        libraries == found.total.bytes.in_image
            && libraries <= found.pages.counts.in_image * PAGE_SIZE_BYTES,
        "the libraries have bytes that the image does not have",
    )
}

fn check_native(subject: &Subject) -> Result<(), String> {
    let bytes = bundle(subject)?;
    let bundle = Bundle::open(&bytes).map_err(text)?;
    let kernel = subject.fresh_path("coverage.elf");
    export::build_kernel(
        &subject.context,
        &bundle,
        None,
        None,
        KernelKind::Native,
        &kernel,
    )
    .map_err(text)?;
    let image = subject.fresh_path("coverage-native.img");
    let bundle = export::without_modules(&bundle);
    subject
        .context
        .write_image(&kernel, &bundle, ImageSize::Smallest, &image)
        .map_err(text)?;
    let sizes = measure(subject, &image, Tracing::NextBoot)?;
    let found = coverage(&sizes)?;
    let nothing = Counts {
        used: Some(0),
        ..Counts::default()
    };
    expect(
        found.pages.counts == nothing && found.total.bytes == nothing,
        "an image without LLVM has something of it",
    )?;
    expect(
        found.total.ran == Some(0) && found.functions.is_empty(),
        "functions of LLVM ran without LLVM",
    )
}
