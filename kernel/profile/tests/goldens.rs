//! A profile of each schema: this one is read and written as it always was.

use std::fs;
use std::path::PathBuf;

use bareflow_profile::{
    Boot, CallCycles, Compilation, Failure, Function, KernelFlavour, LevelUse, Loop, Memory, Part,
    RunProfile, SCHEMA, SampledSymbol, Samples, Steps,
};
use bareflow_tier_policy::{Level, LevelSet, Size, Tier};

fn golden(schema: u64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(format!("schema-{schema}.json"))
}

/// A profile with something in every field.
fn sample() -> RunProfile {
    let compilation = |level, at| Compilation {
        level,
        at,
        cycles: 1000,
        steps: Steps {
            cut: 1,
            optimise: 2,
            generate: 3,
            link: 4,
        },
        background: level == Level::BEST,
        code_bytes: 64,
    };
    let failure = |level, refused| Failure {
        level,
        refused,
        reason: "no code".into(),
    };
    RunProfile {
        schema: SCHEMA,
        program: "sample".into(),
        kernel: KernelFlavour::Machine,
        processor: "x86-64".into(),
        cycles_per_second: 1_000_000_000,
        total_cycles: 5_000,
        compile_cycles: 2_000,
        levels: (0..)
            .zip(LevelSet::LLVM.iter())
            .map(|(index, level)| LevelUse {
                level,
                generator: level.row().generator,
                calls: Some(10 << index),
                iterations: (level != Level::O0).then_some(1000),
            })
            .collect(),
        functions: vec![Function {
            name: "main".into(),
            tier: Tier::Native(Level::BEST),
            size: Some(Size {
                compiled: 20,
                executed: 10,
            }),
            calls: 1,
            cycles: Some(CallCycles {
                calls: 1,
                total: 5_000,
                least: 5_000,
                most: 5_000,
            }),
            code_bytes: 64,
            compilations: LevelSet::LLVM
                .iter()
                .map(|level| compilation(level, 7))
                .collect(),
            loops: vec![Loop {
                name: "main, loop 1".into(),
                size: None,
                iterations: 12,
                compilations: vec![],
                failures: vec![failure(Level::O0, true)],
            }],
            failures: vec![failure(Level::BEST, false)],
        }],
        samples: Samples {
            per_second: 1000,
            symbols: vec![SampledSymbol {
                symbol: "main".into(),
                part: Part::Program,
                count: 3,
            }],
        },
        memory: Memory {
            heap_bytes: 1,
            compiler_bytes: 2,
            pool_bytes: 3,
        },
        boot: Some(Boot {
            number: 2,
            snapshot: Some(1),
            load_cycles: 4,
            snapshot_bytes: 5,
            saved: None,
            saved_bytes: 0,
            llvm_bytes_read: Some(6),
            memory_bytes: Some(7),
        }),
    }
}

#[test]
fn the_schema_has_not_changed_without_a_new_number() {
    let written = serde_json::to_string_pretty(&sample()).unwrap() + "\n";
    let path = golden(SCHEMA);
    if fs::read_to_string(&path).is_ok_and(|kept| kept == written) {
        return;
    }
    let kept = std::env::temp_dir().join(path.file_name().unwrap());
    fs::write(&kept, &written).unwrap();
    panic!(
        "profiles of schema {SCHEMA} are not what they were. If they are to change, SCHEMA becomes {}, and {} goes beside \
         {} under the new name",
        SCHEMA + 1,
        kept.display(),
        path.display()
    );
}

#[test]
fn the_golden_profile_is_read() {
    let text = fs::read_to_string(golden(SCHEMA)).unwrap();
    assert_eq!(serde_json::from_str::<RunProfile>(&text).unwrap(), sample());
}
