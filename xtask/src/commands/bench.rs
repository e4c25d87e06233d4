//! `cargo xtask bench`: figures as ratios, each measured in one run.

use std::path::PathBuf;
use std::process::ExitCode;

use bareflow_targets::DEFAULT;
use clap::{Args, Subcommand};

use bareflow_bench::{
    baseline, boot, compile, console, edit, floor, generators, libm, llvm_build, loops, memcpy,
    profile, real, snapshot, tiers,
};
use bareflow_build::paths::{Cache, Package};
use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::error::Result;

/// Measure: ratios of times taken in one run.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: Benchmark,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Compare the hosted kernel with that of another build: steady states of every tier, and whole runs of long loops
    Baseline {
        /// The other build's executable, by an absolute path or one from here
        kernel: PathBuf,
        /// Runs of each program, tier and build
        #[arg(long, value_name = "N", default_value_t = 3)]
        repetitions: usize,
        /// One of the programs with rounds, instead of all and the long loops; several may be given
        #[arg(long = "program", value_name = "NAME")]
        programs: Vec<String>,
    },
    /// Build the machine's image after an edit, boot it, and count time, instructions and memory
    Boot,
    /// Compile real programs, whole and function by function, against clang's time for the same bitcode
    Compile {
        /// How many functions of each program and level are compared with clang's, beside the costliest
        #[arg(long, value_name = "N", default_value_t = 6)]
        functions: usize,
        /// Compare all functions that are compiled, and whole programs at O2 and O3 too; takes half an hour
        #[arg(long, conflicts_with = "functions")]
        all: bool,
    },
    /// Compare the C library's mathematics with correctly rounded results
    Libm {
        /// Points of each function and precision
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        points: u32,
        /// One function only
        #[arg(long, value_name = "NAME")]
        function: Option<String>,
        /// Write this many points of each function as a fixture instead
        #[arg(long, value_name = "N", requires = "output")]
        fixture: Option<u32>,
        /// Where the fixture is written
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write and read standard output and input, hosted and in the machine, by virtio and by the serial line
    Console,
    /// Start a small program, unchanged and changed, hosted and in the machine, and say what takes the time
    Edit,
    /// Compare the C library's allocation, blocks, strings and mathematics with the GNU C library's and mimalloc's
    Floor,
    /// Run programs at each level of each code generator: what compiling takes, how large code is and how fast
    Generators {
        /// Runs of each program and level
        #[arg(long, value_name = "N", default_value_t = 5)]
        repetitions: usize,
        /// Run real programs instead, all unless some are named: the same, what is refused, and which level should be first
        #[arg(long)]
        real: bool,
        /// One of the real programs, as for `bench real`; several may be given
        #[arg(long = "project", value_name = "NAME", requires = "real")]
        projects: Vec<String>,
    },
    /// Compile objects of LLVM as the build does, and their sources alone, with and without the precompiled headers
    LlvmBuild {
        /// How many objects
        #[arg(long, value_name = "N", default_value_t = 12)]
        objects: usize,
    },
    /// Run programs that are one long call of main in the automatic tiers, against O3 from the start
    Loops,
    /// Copy blocks by a byte loop, by the C library's function, and as the tiers specialise it
    Memcpy,
    /// Measure what counters and samples cost code of the automatic tiers
    Profile,
    /// Run real programs in the tiers and over boots, against the same sources built for Linux
    Real {
        /// A project of the table of real programs, or one of our own: `functions`, 5,000 generated ones, `kernels` of
        /// numerics, or `llama`; several may be given
        #[arg(long = "project", value_name = "NAME")]
        projects: Vec<String>,
        /// Run them interpreted too, which takes long
        #[arg(long)]
        interpreter: bool,
        /// Compare with clang -O3 -march=native, with the same and a profile, without and with -flto, and with gcc -O3,
        /// too; and measure the program as it is exported with that profile
        #[arg(long)]
        native: bool,
    },
    /// Load large programs from snapshots, and run restored code against clang -O2
    Snapshot,
    /// Run programs in every tier of the hosted kernel, against clang -O2
    Tiers {
        /// Count instructions in the machine instead
        #[arg(long)]
        machine: bool,
    },
}

impl BenchArgs {
    /// Prints the figures.
    ///
    /// # Errors
    /// Whatever kept them from being measured.
    pub fn run(self) -> Result<ExitCode> {
        match self.what {
            Benchmark::Baseline {
                kernel,
                repetitions,
                programs,
            } => {
                let request = baseline::Request {
                    kernel: std::path::absolute(kernel)?,
                    repetitions,
                    programs,
                };
                baseline::run(&Context::prepare(Installation::Forbidden)?, request)?;
            }
            Benchmark::Boot => boot::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Compile { functions, all } => {
                let extent = if all {
                    compile::Extent::All
                } else {
                    compile::Extent::Sample(functions)
                };
                compile::run(&Context::prepare(Installation::Forbidden)?, extent)?;
            }
            Benchmark::Libm {
                points,
                function,
                fixture,
                output,
            } => {
                let request = libm::Request {
                    points,
                    function,
                    fixture: output.zip(fixture),
                };
                libm::run(&Context::prepare(Installation::Forbidden)?, &request)?;
            }
            Benchmark::Console => console::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Edit => edit::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Floor => floor::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Generators {
                repetitions,
                real: is_real,
                projects,
            } => {
                let context = Context::prepare(Installation::Forbidden)?;
                if is_real {
                    real::study::run(&context, projects)?;
                } else {
                    generators::run(&context, repetitions)?;
                }
            }
            Benchmark::LlvmBuild { objects } => {
                let trees = Cache::find()?.build(Package::Llvm, DEFAULT);
                llvm_build::run(&trees.join("llvm"), objects)?;
            }
            Benchmark::Loops => loops::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Memcpy => memcpy::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Profile => profile::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Real {
                projects,
                interpreter,
                native,
            } => {
                let request = real::Request {
                    projects,
                    interpreter,
                    native,
                };
                real::run(&Context::prepare(Installation::Forbidden)?, &request)?;
            }
            Benchmark::Snapshot => snapshot::run(&Context::prepare(Installation::Forbidden)?)?,
            Benchmark::Tiers { machine } => {
                let context = Context::prepare(Installation::Forbidden)?;
                if machine {
                    tiers::machine::run(&context)?;
                } else {
                    tiers::hosted::run(&context)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
