//! What is written for the next boots, and when.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cmp::Reverse;

use bareflow_guest::report_note;
use bareflow_profile::Samples;
use bareflow_snapshot::{
    Access, CallCycles, Destination, Function, Profile, Region, Sample, Series, Snapshot,
};
use bareflow_tiers::{Kind, Level, Tier};

use crate::bindings::llvm_unit_t;
use crate::memory::{Contents, Memory, Saved, Variables, variables_of};
use crate::tiers::{Manager, Record};
use crate::{FailureKind, Outcome};

impl Manager<'_> {
    /// At the end of a boot: writes the counts, and the code when it is due. A boot that has learnt nothing leaves the
    /// volume as it is. The program ran for `run_cycles`.
    pub(crate) fn remember(&mut self, run_cycles: u64, samples: Option<&Samples>) {
        let Some(memory) = self.memory() else {
            return;
        };
        let (boot, used) = (memory.boot(), memory.code_number());
        // What was compiled would be compiled again by the next boot.
        let saved = if memory.is_due(self.has_compiled()) {
            self.write_code(run_cycles, samples)
        } else {
            self.write_counts(run_cycles, samples)
        };
        self.report(boot, used, &saved);
    }

    /// Compiles the program for another kernel, and writes a snapshot for that one.
    ///
    /// # Errors
    /// That there is none; the console says why.
    pub(crate) fn compile_for(&mut self, destination: &Destination) -> Result<(), Outcome> {
        self.compile_ahead(destination.precompile);
        match self.write_code(0, None) {
            Saved::Code(_) => Ok(()),
            Saved::Counts | Saved::Nothing | Saved::NoNews => Err(Outcome::Failed {
                kind: FailureKind::Internal,
                message: "the program has no snapshot".to_string(),
            }),
        }
    }

    fn report(&self, boot: u64, used: Option<u32>, saved: &Saved) {
        let counters = self.memory().map(Memory::counters);
        let counters = counters.unwrap_or_default();
        let mut text = format!("boot {boot}");
        match used {
            Some(number) => text += &format!(": from snapshot {number}"),
            None => text += ": without a snapshot",
        }
        match saved {
            Saved::Code(number) => text += &format!(", saved as snapshot {number}"),
            Saved::NoNews => text += ", nothing new",
            Saved::Counts | Saved::Nothing => {}
        }
        if let Some(bytes) = counters.llvm_bytes_read {
            text += &format!("; {bytes} bytes of LLVM read");
        }
        if let Some(bytes) = counters.memory_bytes {
            text += &format!("; {} KiB of memory used", bytes >> 10);
        }
        report_note(&text);
    }

    /// Writes a snapshot now, with what the program's code is. False if there is none; the console then says why.
    pub(crate) fn write_now(&mut self) -> bool {
        if !self.is_intact() {
            report_note("no snapshot: the program has overwritten memory of the kernel");
            return false;
        }
        matches!(self.write_code(0, None), Saved::Code(_))
    }

    /// Writes a snapshot with code; at most counts if what has run cannot all be compiled.
    fn write_code(&mut self, run_cycles: u64, samples: Option<&Samples>) -> Saved {
        if self.memory().is_none() {
            return Saved::Nothing;
        }
        if !self.settle() {
            return self.write_counts(run_cycles, samples);
        }
        let fresh = Contents::of_program(self.program());
        let Some(memory) = self.memory() else {
            return Saved::Nothing;
        };
        let earlier = memory.code();
        let contents = fresh.or_else(|| earlier.as_ref().map(Contents::of_snapshot));
        let Some(contents) = contents else {
            return Saved::Nothing;
        };
        let variables = match &earlier {
            Some(snapshot) => variables_of(snapshot),
            None => memory.variables().clone(),
        };
        self.write(&contents, &variables, Series::Code, run_cycles, samples)
    }

    /// Writes counts, if they are worth it.
    fn write_counts(&mut self, run_cycles: u64, samples: Option<&Samples>) -> Saved {
        let is_first = self
            .memory()
            .is_some_and(|memory| memory.counts().is_none());
        if !is_first && !self.has_compiled() && !self.has_failed() && !self.has_counted_news() {
            return Saved::NoNews;
        }
        let (nothing, none) = (Contents::default(), Variables::new());
        self.write(&nothing, &none, Series::Counts, run_cycles, samples)
    }

    fn write(
        &mut self,
        contents: &Contents,
        variables: &Variables,
        series: Series,
        run_cycles: u64,
        samples: Option<&Samples>,
    ) -> Saved {
        let Some(memory) = self.memory() else {
            return Saved::Nothing;
        };
        let data = contents.data(variables);
        let seen: Vec<_> = (0..self.records().len())
            .map(|unit| self.seen(unit))
            .collect();
        let snapshot = Snapshot {
            keys: memory.keys(),
            functions: self.functions(contents, &seen),
            imports: contents.imports(),
            pieces: contents.pieces().to_vec(),
            places: contents.places(),
            code: contents.code(),
            data: data
                .iter()
                .map(|(range, bytes)| Region {
                    address: range.start,
                    access: Access::ReadWrite,
                    size_bytes: range.end - range.start,
                    bytes,
                })
                .collect(),
            profile: self.profile(memory, run_cycles, samples),
        };
        let bytes = memory.encode(&snapshot);
        self.save(&bytes, series)
    }

    fn save(&mut self, bytes: &[u8], series: Series) -> Saved {
        self.memory_mut()
            .map_or(Saved::Nothing, |memory| memory.save(bytes, series))
    }

    /// All units with their counts, and with what code of theirs is in `contents`.
    fn functions<'f>(
        &'f self,
        contents: &Contents,
        seen: &'f [(u64, Vec<u8>)],
    ) -> Vec<Function<'f>> {
        let records = self.records().iter().enumerate();
        records
            .map(|(unit, record)| {
                let counters = record.counters();
                let code = match record.policy.tier() {
                    Tier::Interpreter => None,
                    Tier::Native(_) => contents.code_at(self.slot(unit)),
                };
                Function {
                    name: &record.name,
                    kind: record.policy.kind(),
                    tier: code
                        .as_ref()
                        .map_or(Tier::Interpreter, |_| record.policy.tier()),
                    tried: match code {
                        Some(_) => record.policy.tried(),
                        None => record.policy.failures(),
                    },
                    loops: record.policy.loops(),
                    calls: counters.count,
                    cycles: cycles_of(&counters),
                    code_address: code.as_ref().map_or(0, |code| code.start),
                    code_bytes: code.map_or(0, |code| code.end - code.start),
                    seen_address: match contents.pieces() {
                        [] => 0,
                        _ => seen[unit].0,
                    },
                    seen: &seen[unit].1,
                }
            })
            .collect()
    }

    fn profile<'a>(
        &self,
        memory: &'a Memory,
        run_cycles: u64,
        samples: Option<&'a Samples>,
    ) -> Profile<'a> {
        let sampled = samples.map_or(&[][..], |samples| &samples.symbols);
        let mut profile = Profile {
            boots: u64::from(!self.is_for_another_kernel()),
            total_cycles: run_cycles,
            compile_cycles: self.waited_cycles(),
            samples_per_second: samples.map_or(0, |samples| samples.per_second),
            samples: sampled
                .iter()
                .map(|sample| Sample {
                    symbol: &sample.symbol,
                    part: sample.part,
                    count: sample.count,
                })
                .collect(),
            learnt: self.learnt(),
        };
        if let Some(earlier) = memory.counts() {
            profile.accumulate(&earlier.profile);
        }
        profile
    }

    /// Compiles what has run, so that the next boots need no compiler: the hottest functions at O3, for as long as the
    /// settings allow; those that have no code at all in any case. Whether everything that has run has code.
    fn settle(&mut self) -> bool {
        let mut open: Vec<(Reverse<u64>, Reverse<u64>, usize)> = Vec::new();
        for (unit, record) in self.records().iter().enumerate() {
            let counters = record.counters();
            if record.policy.kind() == Kind::Function
                && counters.count > 0
                && record.policy.can_become_best()
            {
                let heat = (Reverse(counters.total_cycles), Reverse(counters.count));
                open.push((heat.0, heat.1, unit));
            }
        }
        open.sort_unstable();
        let platform = bareflow_cxx_runtime::platform();
        let start_ns = platform.monotonic_ns();
        let limit_ns = self.settle_ns();
        for (_, _, unit) in &open {
            if platform.monotonic_ns() - start_ns >= limit_ns {
                break;
            }
            self.compile_for_later(*unit, Level::O3);
        }
        let has_code = |record: &Record| {
            record.policy.kind() == Kind::Loop
                || record.counters().count == 0
                || record.policy.tier() != Tier::Interpreter
        };
        for unit in 0..self.records().len() {
            if !has_code(&self.records()[unit]) {
                self.compile_first(unit);
            }
        }
        let missing = self.records().iter().find(|record| !has_code(record));
        if let Some(record) = missing {
            report_note(&format!(
                "no snapshot with code: '{}' cannot be compiled",
                record.name
            ));
        }
        missing.is_none()
    }
}

fn cycles_of(counters: &llvm_unit_t) -> Option<CallCycles> {
    (counters.timed_calls > 0).then_some(CallCycles {
        calls: counters.timed_calls,
        total: counters.total_cycles,
        least: counters.least_cycles,
        most: counters.most_cycles,
    })
}
