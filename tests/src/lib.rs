//! The tests of the whole: cargo's checks, the distribution, every example in every kernel and tier, random
//! programs, and bad input.

mod adversaries;
mod audit;
mod background;
mod bad_input;
pub mod campaign;
mod cargo;
mod cases;
mod compressed;
mod consumers;
mod converging;
mod coverage;
mod cranelift;
mod csmith;
mod cxx;
mod distribution;
mod downstream;
mod drivers;
mod edits;
mod examples;
mod exported;
mod files;
mod function_order;
mod generated;
mod generators;
mod hot_loops;
mod input;
mod jail;
mod jit;
mod kills;
mod large_files;
mod levels;
mod libc;
mod libc_bitcode;
mod libcxx;
mod limits;
mod llama;
mod lock_files;
mod math;
mod matrix;
mod minimal;
mod mir;
mod overwritten;
mod paging;
mod posix;
mod profile_guided;
mod random;
pub mod real;
pub mod refusals;
mod runner;
mod second_processor;
mod snapshots;
mod subject;
mod trained;
mod used_only;
mod volume;

use std::io;
use std::sync::Arc;

pub use llama::{DATA_VARIABLE, Models};
pub use matrix::Extent;
pub use random::Random;
pub use real::Projects;
pub use runner::{Outcome, Summary, Test};
pub use subject::{Place, Subject};

use campaign::Options;
use generators::{Kernels, Make};

/// Every test that runs a program.
fn program_tests(subject: &Arc<Subject>, options: Options) -> io::Result<Vec<Test>> {
    let random = Random {
        count: options.random,
        first_seed: options.random_from,
    };
    let kernels = Kernels::beside(subject, Make::Generators);
    let mut tests = matrix::tests(subject, options.extent())?;
    tests.extend(distribution::tests(subject));
    tests.extend(consumers::tests(subject));
    tests.extend(libc::tests(subject));
    tests.extend(math::tests(subject));
    tests.extend(posix::tests(subject));
    tests.extend(drivers::tests(subject));
    tests.extend(edits::tests(subject));
    tests.extend(function_order::tests(subject));
    tests.extend(volume::tests(subject));
    tests.extend(files::tests(subject));
    tests.extend(large_files::tests(subject));
    tests.extend(paging::tests(subject));
    tests.extend(compressed::tests(subject));
    tests.extend(used_only::tests(subject));
    tests.extend(trained::tests(subject));
    tests.extend(exported::tests(subject)?);
    tests.extend(bad_input::tests(subject));
    tests.extend(input::tests(subject));
    tests.extend(jail::tests(subject));
    tests.extend(levels::tests(subject));
    tests.extend(cranelift::tests(&kernels));
    tests.extend(mir::tests(&kernels));
    tests.extend(minimal::tests(&Kernels::beside(subject, Make::Minimal)));
    tests.extend(jit::tests(subject));
    tests.extend(hot_loops::tests(subject));
    tests.extend(profile_guided::tests(subject));
    tests.extend(background::tests(subject));
    tests.extend(second_processor::tests(subject));
    tests.extend(cases::tests(subject)?);
    tests.extend(cxx::tests(subject)?);
    tests.extend(libcxx::tests(subject, options.libcxx));
    tests.extend(overwritten::tests(subject));
    tests.extend(limits::tests(subject));
    tests.extend(adversaries::tests(subject));
    tests.extend(snapshots::tests(subject, random)?);
    tests.extend(kills::tests(subject));
    tests.extend(converging::tests(subject));
    tests.extend(llama::tests(subject, options.models));
    tests.extend(real::tests(subject, options.projects).map_err(io::Error::other)?);
    tests.extend(coverage::tests(subject));
    tests.extend(random::tests(subject, &kernels, random));
    Ok(tests)
}
