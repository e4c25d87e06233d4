//! What is written for the next boots, and when.

use alloc::format;
use alloc::vec::Vec;

use bareflow_profile::Samples;
use bareflow_program_env::report_note;
use bareflow_snapshot::{Access, CallCycles, Function, Profile, Region, Sample, Series, Snapshot};
use bareflow_tier_policy::Tier;

use crate::bindings::llvm_unit_t;
use crate::manager::{CompilerService, Program};
use crate::snapshot::{Contents, Saved, SnapshotService, Variables, variables_of};

impl SnapshotService<'_> {
    /// At the end of a boot: writes the counts, and the code when it is due. A boot that has learnt nothing leaves the
    /// volume as it is. The program ran for `run_cycles`.
    pub(crate) fn persist(
        &mut self,
        program: &mut Program,
        compiler: &mut CompilerService,
        run_cycles: u64,
        samples: Option<&Samples>,
    ) {
        let (boot, used) = (self.boot(), self.code_number());
        if used.is_some() && self.may_write_code() {
            compiler.compile_for_next_boots(program);
        }
        // What was compiled would be compiled again by the next boot.
        let saved = if self.is_due(program.has_compiled()) {
            self.write_code(program, compiler, run_cycles, samples)
        } else {
            self.write_counts(program, compiler, run_cycles, samples)
        };
        self.report(boot, used, &saved);
    }

    fn report(&self, boot: u64, used: Option<u32>, saved: &Saved) {
        let counters = self.counters();
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

    /// Writes a snapshot now, with what the program's code is, which `is_intact` or not. False if there is none; the
    /// console then says why.
    pub(crate) fn write_now(
        &mut self,
        program: &mut Program,
        compiler: &mut CompilerService,
        is_intact: bool,
    ) -> bool {
        if !is_intact {
            report_note("no snapshot: the program has overwritten memory of the kernel");
            return false;
        }
        matches!(self.write_code(program, compiler, 0, None), Saved::Code(_))
    }

    /// Writes a snapshot with code; at most counts if what has run cannot all be compiled.
    fn write_code(
        &mut self,
        program: &mut Program,
        compiler: &mut CompilerService,
        run_cycles: u64,
        samples: Option<&Samples>,
    ) -> Saved {
        if let Err(name) = compiler.warm_up(program) {
            report_note(&format!(
                "no snapshot with code: '{name}' cannot be compiled"
            ));
            return self.write_counts(program, compiler, run_cycles, samples);
        }
        let fresh = Contents::of_program(program.handle());
        let earlier = self.code();
        let contents = fresh.or_else(|| earlier.as_ref().map(Contents::of_snapshot));
        let Some(contents) = contents else {
            return Saved::Nothing;
        };
        let variables = match &earlier {
            Some(snapshot) => variables_of(snapshot),
            None => self.variables().clone(),
        };
        let bytes = self.bytes(
            program, compiler, &contents, &variables, run_cycles, samples,
        );
        self.save(&bytes, Series::Code)
    }

    /// Writes counts, if they are worth it.
    fn write_counts(
        &mut self,
        program: &Program,
        compiler: &CompilerService,
        run_cycles: u64,
        samples: Option<&Samples>,
    ) -> Saved {
        let has_news = self.counts().is_none()
            || program.has_compiled()
            || program.has_failed()
            || compiler.has_counted_news(program);
        if !has_news {
            return Saved::NoNews;
        }
        let (nothing, none) = (Contents::default(), Variables::new());
        let bytes = self.bytes(program, compiler, &nothing, &none, run_cycles, samples);
        self.save(&bytes, Series::Counts)
    }

    /// A snapshot of the program as it is, with this code.
    fn bytes(
        &self,
        program: &Program,
        compiler: &CompilerService,
        contents: &Contents,
        variables: &Variables,
        run_cycles: u64,
        samples: Option<&Samples>,
    ) -> Vec<u8> {
        let data = contents.data(variables);
        let seen: Vec<_> = (0..program.records().len())
            .map(|unit| program.seen(unit))
            .collect();
        self.encode(&Snapshot {
            keys: self.keys(),
            functions: Self::functions(program, contents, &seen),
            imports: contents.imports(),
            allocations: contents.allocations().to_vec(),
            anchors: contents.anchors(),
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
            profile: self.profile(compiler, run_cycles, samples),
        })
    }

    /// All units with their counts, and with what code of theirs is in `contents`.
    fn functions<'f>(
        program: &'f Program,
        contents: &Contents,
        seen: &'f [(u64, Vec<u8>)],
    ) -> Vec<Function<'f>> {
        let records = program.records().iter().enumerate();
        records
            .map(|(unit, record)| {
                let counters = record.counters();
                let code = match record.policy.tier() {
                    Tier::Interpreter => None,
                    Tier::Native(_) => contents.code_at(program.slot(unit)),
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
                    seen_address: match contents.allocations() {
                        [] => 0,
                        _ => seen[unit].0,
                    },
                    seen: &seen[unit].1,
                }
            })
            .collect()
    }

    fn profile<'p>(
        &'p self,
        compiler: &CompilerService,
        run_cycles: u64,
        samples: Option<&'p Samples>,
    ) -> Profile<'p> {
        let sampled = samples.map_or(&[][..], |samples| &samples.symbols);
        let mut profile = Profile {
            boots: u64::from(!compiler.is_for_another_kernel()),
            total_cycles: run_cycles,
            compile_cycles: compiler.waited_cycles(),
            samples_per_second: samples.map_or(0, |samples| samples.per_second),
            samples: sampled
                .iter()
                .map(|sample| Sample {
                    symbol: &sample.symbol,
                    part: sample.part,
                    count: sample.count,
                })
                .collect(),
            learnt: compiler.learnt(),
        };
        if let Some(earlier) = self.counts() {
            profile.accumulate(&earlier.profile);
        }
        profile
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
