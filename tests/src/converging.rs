//! Boots of one image that converge to native code, with the figures that they must reach.

use std::sync::Arc;

use super::runner::{Outcome, Test};
use super::subject::Subject;
use bareflow_image::program::{Program, Tier, TierOptions};
use bareflow_report::converge::{self, Convergence, page, table};

const BOOTS: u64 = 4;
const MEMORY_MIB: u32 = 256;
const SIZE_BYTES: u64 = 128 << 20;
/// Of boots that need nothing of LLVM.
const MOST_MEMORY_BYTES: u64 = 40 << 20;
const MOST_NATIVE_MEMORY_BYTES: u64 = 20 << 20;
const MOST_NATIVE_IMAGE_BYTES: u64 = 1_000_000;
/// The program's instructions over those of native code.
const MOST_RATIO: f64 = 1.05;

/// The test of `cargo xtask converge`.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let subject = Arc::clone(subject);
    vec![Test::new("converge::fib", move || {
        Outcome::from(check(&subject))
    })]
}

fn check(subject: &Subject) -> Result<(), String> {
    let source = subject.context.root.join("examples/fib.c");
    let program =
        Program::build(&[source], &subject.compiler).map_err(|error| error.to_string())?;
    let options = TierOptions {
        profile: true,
        ..TierOptions::default()
    };
    let image = subject.fresh_path("converge.img");
    let bundle = program.bundle_with(&[], Tier::Auto, &options);
    subject.write_image(&image, &bundle, SIZE_BYTES)?;
    let boots = converge::Subject {
        context: &subject.context,
        image: &image,
        used_image: subject.fresh_path("used.img"),
        native_image: subject.fresh_path("native.img"),
        program: program.name.clone(),
        memory_mib: MEMORY_MIB,
        boots: BOOTS,
    };
    let found = converge::measure(&boots, |_| ()).map_err(|error| error.to_string())?;
    page::render(&found).map_err(|error| error.to_string())?;
    expect(&found).map_err(|error| format!("{error}\n{}", table::boots(&found)))
}

fn expect(found: &Convergence) -> Result<(), String> {
    let (Some(first), Some(last)) = (found.boots.first(), found.last()) else {
        return Err("there was no boot".into());
    };
    let native = &found.native;
    let used_only = &found.used_only;
    let checks = [
        (first.llvm_bytes_read > 0, "the first boot needs LLVM"),
        (last.llvm_bytes_read == 0, "the last boot reads LLVM"),
        (last.compile_instructions == 0, "the last boot compiles"),
        (last.functions[0] == 0, "the last boot interprets"),
        (
            last.memory_bytes <= MOST_MEMORY_BYTES,
            "the last boot needs too much memory",
        ),
        (
            last.relative_to_native <= MOST_RATIO,
            "the last boot is too slow",
        ),
        (
            last.first_output_instructions < first.first_output_instructions,
            "the first output does not come earlier",
        ),
        (
            2 * used_only.llvm_bytes <= found.llvm_bytes,
            "the used-only image has more than half of LLVM",
        ),
        (
            used_only.fresh.llvm_bytes_read > 0,
            "the used-only image does not use LLVM without snapshots",
        ),
        (
            used_only.grown.llvm_bytes_read == 0,
            "the used-only image reads LLVM in spite of its snapshots",
        ),
        (
            native.memory_bytes <= MOST_NATIVE_MEMORY_BYTES,
            "the native image needs too much memory",
        ),
        (
            native.image_bytes <= MOST_NATIVE_IMAGE_BYTES,
            "the native image is too large",
        ),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, problem)) => Err((*problem).into()),
        None => Ok(()),
    }
}
