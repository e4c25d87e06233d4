//! The profile of a run, from the manager's records and the sampler.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;

use bareflow_cxx_runtime::arena;
use bareflow_profile::{
    CallCycles, Compilation, Function, KernelFlavour, LevelUse, Loop, Memory as MemoryUse, Part,
    RunProfile, SCHEMA, SampledSymbol, Samples,
};
use bareflow_tier_policy::{Config, Policy};

use crate::arch;
use crate::bindings::llvm_processor_name;
use crate::clock::Start;
use crate::manager::{self, Manager, Record};
use crate::sampler;
use crate::snapshot::SnapshotService;
use crate::{POOL_ADDRESS, POOL_SIZE_BYTES, RunRequest};

/// How often the timer looks where the processor is: 1 ms.
const SAMPLE_INTERVAL_US: u32 = 1000;

/// A run that is measured.
pub(crate) struct Recording {
    start: Start,
}

/// The levels in use. By costs, every unit has thresholds of its own.
fn levels(config: &Config) -> Vec<LevelUse> {
    let by_counts = config.policy == Policy::Counts;
    let levels = config.levels.iter().map(|level| LevelUse {
        level,
        generator: level.row().generator,
        calls: config.calls[level.index()].filter(|_| by_counts),
        iterations: config.iterations[level.index()].filter(|_| by_counts),
    });
    levels.collect()
}

impl Recording {
    pub(crate) fn start() -> Self {
        sampler::start();
        bareflow_cxx_runtime::platform().start_timer(SAMPLE_INTERVAL_US);
        Self {
            start: Start::now(),
        }
    }

    /// The program has ended.
    pub(crate) fn stop(self, manager: &Manager) -> Measured {
        let (total_cycles, elapsed_ns) = self.start.elapsed();
        let elapsed_ns = elapsed_ns.max(1);
        let samples = sampler::stop();
        // What the timer really did: it may be slower than was asked for.
        let ticks: u64 = samples.iter().map(|(_, count)| count).sum();
        let per_second = (ticks * 1_000_000_000 / elapsed_ns).max(u64::from(ticks > 0));
        let rate = u128::from(total_cycles) * 1_000_000_000 / u128::from(elapsed_ns);
        Measured {
            start_cycles: self.start.cycles,
            total_cycles,
            cycles_per_second: (rate as u64).max(1),
            samples: Samples {
                per_second,
                symbols: symbols(manager, &samples),
            },
        }
    }
}

/// What was measured while the program ran.
pub(crate) struct Measured {
    start_cycles: u64,
    total_cycles: u64,
    cycles_per_second: u64,
    samples: Samples,
}

impl Measured {
    /// Where the program was found at ticks.
    pub(crate) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Writes the profile.
    pub(crate) fn write(
        self,
        manager: &mut Manager,
        config: &Config,
        request: &RunRequest,
        kernel: KernelFlavour,
    ) {
        let platform = bareflow_cxx_runtime::platform();
        manager.measure_all();
        let functions = self.functions(manager.records());
        let profile = RunProfile {
            schema: SCHEMA,
            program: request
                .arguments
                .first()
                .copied()
                .unwrap_or_default()
                .to_string(),
            kernel,
            processor: processor(manager),
            cycles_per_second: self.cycles_per_second,
            total_cycles: self.total_cycles,
            compile_cycles: manager.compiler().waited_cycles(),
            levels: levels(config),
            functions,
            samples: self.samples,
            memory: MemoryUse {
                heap_bytes: bareflow_cxx_runtime::heap_bytes() as u64,
                compiler_bytes: arena::mapped_bytes() as u64,
                pool_bytes: manager.pool_bytes() as u64,
            },
            boot: manager.snapshots().map(SnapshotService::describe),
        };
        // Its maps have text keys and its numbers are finite: it cannot fail.
        if let Ok(text) = serde_json::to_vec(&profile) {
            platform.write_profile(&text);
        }
    }

    fn functions(&self, records: &[Record]) -> Vec<Function> {
        let mut functions: Vec<Function> = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let counters = record.counters();
            if record.function == index {
                functions.push(Function {
                    name: record.name.clone(),
                    size: record.policy.size(),
                    tier: record.policy.tier(),
                    calls: counters.count,
                    cycles: (counters.timed_calls > 0).then_some(CallCycles {
                        calls: counters.timed_calls,
                        total: counters.total_cycles,
                        least: counters.least_cycles,
                        most: counters.most_cycles,
                    }),
                    code_bytes: record
                        .compilations
                        .last()
                        .map_or(record.restored_bytes, |last| last.code_bytes as u64),
                    compilations: self.compilations(record),
                    loops: Vec::new(),
                    failures: record.failures.clone(),
                });
            } else if let Some(function) = functions.last_mut() {
                // A function stands before its loops.
                function.loops.push(Loop {
                    name: record.name.clone(),
                    size: record.policy.size(),
                    iterations: counters.count,
                    compilations: self.compilations(record),
                    failures: record.failures.clone(),
                });
            }
        }
        functions
    }

    fn compilations(&self, record: &Record) -> Vec<Compilation> {
        let entry = |made: &manager::Compilation| Compilation {
            level: made.level,
            at: made.at.saturating_sub(self.start_cycles),
            cycles: made.cycles,
            steps: made.steps,
            background: made.is_beside,
            code_bytes: made.code_bytes as u64,
        };
        record.compilations.iter().map(entry).collect()
    }
}

/// LLVM's name, or, when LLVM was not needed, what CPUID says.
fn processor(manager: &Manager) -> String {
    let Some(session) = manager.session() else {
        return arch::processor();
    };
    // SAFETY: the context is open; the name ends with a zero and lives as long as the context.
    let name = unsafe { CStr::from_ptr(llvm_processor_name(session.context())) };
    name.to_string_lossy().into_owned()
}

unsafe extern "C" {
    static __llvm_text_start: u8;
    static __llvm_text_end: u8;
    static __libc_text_start: u8;
    static __libc_text_end: u8;
}

fn range(start: *const u8, end: *const u8) -> Range<usize> {
    start as usize..end as usize
}

/// Counts by function. What lies in the kernel's image is named by its address: the host, which has the
/// image's symbols, puts the names in.
fn symbols(manager: &Manager, samples: &[(usize, u64)]) -> Vec<SampledSymbol> {
    let compiler = range(&raw const __llvm_text_start, &raw const __llvm_text_end);
    let libc = range(&raw const __libc_text_start, &raw const __libc_text_end);
    let mut counts: BTreeMap<String, (Part, u64)> = BTreeMap::new();
    for (address, count) in samples {
        let part = if (POOL_ADDRESS..POOL_ADDRESS + POOL_SIZE_BYTES).contains(address) {
            Part::Program
        } else if compiler.contains(address) {
            Part::Compiler
        } else if libc.contains(address) {
            Part::Libc
        } else {
            Part::Kernel
        };
        let name = match part {
            Part::Program => program_function(manager, *address),
            _ => None,
        };
        let name = name.unwrap_or_else(|| format!("{address:#x}"));
        counts.entry(name).or_insert((part, 0)).1 += count;
    }
    counts
        .into_iter()
        .map(|(symbol, (part, count))| SampledSymbol {
            symbol,
            part,
            count,
        })
        .collect()
}

fn program_function(manager: &Manager, address: usize) -> Option<String> {
    // A rounded address may lie before its function.
    let mut places = [address + 15, address].into_iter();
    places.find_map(|address| manager.function_at(address))
}
