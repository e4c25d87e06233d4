//! A snapshot to test with.

use bareflow_snapshot::{
    Access, Allocation, Anchor, AnchorKind, Authentication, CallCycles, Expected, Function, Import,
    Keys, Kind, Owner, PAGE_SIZE_BYTES, Part, Profile, Region, Sample, Snapshot, encode,
};
use bareflow_tier_policy::{LEVELS, Level, Tier};

pub const POOL: std::ops::Range<u64> = 0x4000_0000..0x4800_0000;
pub const CODE: u64 = 0x4000_0000;
pub const DATA: u64 = 0x4100_0000;

pub fn keys() -> Keys<'static> {
    Keys {
        kernel_build_id: [1; 32],
        program_hash: [2; 32],
        cpu_features: "skylake,+avx2,-avx512f",
        llvm_version: "18.1.8",
        configuration: "calls=10,100,1000,10000",
    }
}

pub fn expected() -> Expected<'static> {
    Expected {
        keys: keys(),
        pool: POOL,
        authentication: Authentication::None,
    }
}

/// A snapshot with this code, which was made in boot number `boots`.
pub fn snapshot(code: &[u8], boots: u64) -> Snapshot<'_> {
    let function = Function {
        name: "main",
        kind: Kind::Function,
        tier: Tier::Native(Level::O3),
        tried: [false, false, true, false, false, true, false, true],
        loops: Some(Level::O3),
        calls: 12 * boots,
        cycles: Some(CallCycles {
            calls: 3,
            total: 600,
            least: 100,
            most: 300,
        }),
        code_address: CODE,
        code_bytes: code.len() as u64,
        seen_address: DATA,
        seen: &[3, 0, 200, 1],
    };
    let interpreted = Function {
        name: "cold",
        kind: Kind::Loop,
        tier: Tier::Interpreter,
        tried: [false; LEVELS.len()],
        loops: None,
        calls: 1,
        cycles: None,
        code_address: 0,
        code_bytes: 0,
        seen_address: 0,
        seen: &[],
    };
    Snapshot {
        keys: keys(),
        functions: vec![function, interpreted],
        imports: vec![Import {
            name: "memcpy",
            address: DATA + 8,
        }],
        allocations: vec![
            Allocation {
                address: CODE,
                size_bytes: code.len() as u64,
                access: Access::ReadExecute,
                owner: Owner::Function(0),
            },
            Allocation {
                address: DATA,
                size_bytes: PAGE_SIZE_BYTES,
                access: Access::ReadWrite,
                owner: Owner::Reserved,
            },
        ],
        anchors: vec![Anchor {
            kind: AnchorKind::Symbol,
            name: "counter",
            address: DATA,
        }],
        code: vec![Region {
            address: CODE,
            access: Access::ReadExecute,
            size_bytes: code.len() as u64,
            bytes: code,
        }],
        data: vec![Region {
            address: DATA,
            access: Access::ReadWrite,
            size_bytes: PAGE_SIZE_BYTES,
            bytes: &[5; 64],
        }],
        profile: Profile {
            boots,
            total_cycles: 1000 * boots,
            compile_cycles: 10,
            samples_per_second: 100,
            samples: vec![Sample {
                symbol: "main.O3",
                part: Part::Program,
                count: 7 * boots,
            }],
            learnt: [0, 0, 1000, 0, 0, 900, 0, 1100],
        },
    }
}

pub fn bytes(code: &[u8], boots: u64) -> Vec<u8> {
    encode(&snapshot(code, boots), Authentication::None)
}
