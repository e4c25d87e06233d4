//! What is written is read; what was changed is refused.

use bareflow_snapshot::{
    Access, Allocation, Anchor, AnchorKind, Authentication, CallCycles, Expected, Function, Import,
    Key, Keys, Kind, Owner, PAGE_SIZE_BYTES, Part, Profile, Refusal, Region, Sample, Snapshot,
    decode, encode, hash_of_modules,
};
use bareflow_tier_policy::{LEVELS, TIERS, Tier};
use proptest::prelude::*;

use crate::sample::{CODE, DATA, POOL, bytes, expected, keys, snapshot};

const PARTS: [Part; 4] = [Part::Program, Part::Libc, Part::Compiler, Part::Kernel];
const SECRET: [u8; 32] = [42; 32];

/// Everything that a snapshot borrows.
#[derive(Clone, Debug)]
struct Parts {
    hashes: ([u8; 32], [u8; 32]),
    texts: [String; 3],
    code: Vec<u8>,
    constants: Vec<u8>,
    data: Vec<Vec<u8>>,
    names: Vec<(String, bool, usize, u8, usize, [u64; 5])>,
    imports: Vec<(String, usize)>,
    samples: Vec<(String, usize, u64)>,
}

fn parts() -> impl Strategy<Value = Parts> {
    let bytes = |range| prop::collection::vec(any::<u8>(), range);
    let name = (
        ".{0,20}",
        any::<bool>(),
        0..TIERS.len(),
        0_u8..16,
        0..5_usize,
        any::<[u64; 5]>(),
    );
    (
        any::<([u8; 32], [u8; 32])>(),
        prop::array::uniform3(".{0,30}"),
        bytes(1..5000),
        bytes(8..200),
        prop::collection::vec(bytes(0..100), 0..3),
        prop::collection::vec(name, 0..8),
        prop::collection::vec((".{0,20}", 0_usize..192), 0..5),
        prop::collection::vec((".{0,20}", 0..PARTS.len(), any::<u64>()), 0..5),
    )
        .prop_map(
            |(hashes, texts, code, constants, data, mut names, imports, samples)| {
                names.sort();
                names.dedup_by(|first, second| (&first.0, first.1) == (&second.0, second.1));
                Parts {
                    hashes,
                    texts,
                    code,
                    constants,
                    data,
                    names,
                    imports,
                    samples,
                }
            },
        )
}

fn assemble(parts: &Parts) -> Snapshot<'_> {
    let constants = CODE + (parts.code.len() as u64).next_multiple_of(PAGE_SIZE_BYTES);
    let function = |name: &'_ (String, bool, usize, u8, usize, [u64; 5])| {
        let (_, is_loop, tier, tried, loops, numbers) = name;
        let tier = TIERS[*tier];
        let code = match tier {
            Tier::Interpreter => (0, 0),
            Tier::Native(_) => (CODE, parts.code.len() as u64),
        };
        let [calls, counted, total, least, most] = *numbers;
        Function {
            name: "",
            kind: if *is_loop { Kind::Loop } else { Kind::Function },
            tier,
            tried: LEVELS.map(|level| tried >> level.index() & 1 != 0),
            loops: LEVELS.get(*loops).copied(),
            calls,
            cycles: (counted != 0).then_some(CallCycles {
                calls: counted,
                total,
                least,
                most,
            }),
            code_address: code.0,
            code_bytes: code.1,
            seen_address: numbers[0],
            seen: &[],
        }
    };
    Snapshot {
        keys: Keys {
            kernel_build_id: parts.hashes.0,
            program_hash: parts.hashes.1,
            cpu_features: &parts.texts[0],
            llvm_version: &parts.texts[1],
            configuration: &parts.texts[2],
        },
        functions: parts
            .names
            .iter()
            .map(|name| Function {
                name: &name.0,
                seen: name.0.as_bytes(),
                ..function(name)
            })
            .collect(),
        imports: parts
            .imports
            .iter()
            .map(|(name, offset)| Import {
                name,
                address: constants + (*offset).min(parts.constants.len() - 8) as u64,
            })
            .collect(),
        allocations: vec![
            Allocation {
                address: CODE,
                size_bytes: parts.code.len() as u64,
                access: Access::ReadExecute,
                owner: match parts.names.len() {
                    0 => Owner::Kept,
                    count => Owner::Function(count as u32 - 1),
                },
            },
            Allocation {
                address: constants,
                size_bytes: 8,
                access: Access::Read,
                owner: Owner::Data,
            },
        ],
        anchors: (0..)
            .zip(&parts.texts)
            .map(|(index, name)| Anchor {
                kind: AnchorKind::ALL[index * 3],
                name,
                address: CODE,
            })
            .collect(),
        code: vec![
            Region {
                address: CODE,
                access: Access::ReadExecute,
                size_bytes: parts.code.len() as u64,
                bytes: &parts.code,
            },
            Region {
                address: constants,
                access: Access::Read,
                size_bytes: parts.constants.len() as u64,
                bytes: &parts.constants,
            },
        ],
        data: (0..)
            .zip(&parts.data)
            .map(|(index, bytes)| Region {
                address: DATA + index * PAGE_SIZE_BYTES,
                access: Access::ReadWrite,
                size_bytes: PAGE_SIZE_BYTES,
                bytes,
            })
            .collect(),
        profile: Profile {
            boots: parts.samples.len() as u64,
            total_cycles: 1,
            compile_cycles: 2,
            samples_per_second: 3,
            samples: parts
                .samples
                .iter()
                .map(|(symbol, part, count)| Sample {
                    symbol,
                    part: PARTS[*part],
                    count: *count,
                })
                .collect(),
            learnt: [0, 1000, 0, 0, 0, 800, u32::MAX, parts.samples.len() as u32],
        },
    }
}

fn authentication(is_keyed: bool) -> Authentication<'static> {
    match is_keyed {
        true => Authentication::Keyed(&SECRET),
        false => Authentication::None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_is_read(parts in parts(), is_keyed in any::<bool>()) {
        let snapshot = assemble(&parts);
        let expected = Expected {
            keys: snapshot.keys,
            pool: POOL,
            authentication: authentication(is_keyed),
        };
        let bytes = encode(&snapshot, expected.authentication);
        let read = decode(&bytes, &expected).unwrap();
        prop_assert_eq!(&read, &snapshot);
        prop_assert_eq!(encode(&read, expected.authentication), bytes);
    }

    #[test]
    fn any_flipped_bits_are_refused(
        parts in parts(),
        is_keyed in any::<bool>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u32..8), 1..4),
    ) {
        let snapshot = assemble(&parts);
        let bytes = encode(&snapshot, authentication(is_keyed));
        let mut changed = bytes.clone();
        for (index, bit) in flips {
            let index = index.index(changed.len());
            changed[index] ^= 1_u8 << bit;
        }
        let expected = Expected {
            keys: snapshot.keys,
            pool: POOL,
            authentication: Authentication::None,
        };
        prop_assert_eq!(decode(&changed, &expected).is_ok(), changed == bytes);
    }

    #[test]
    fn random_bytes_with_a_right_checksum_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = bytes(&[0x90; 300], 1);
        bytes.truncate(bytes.len() - 32);
        for (index, byte) in changes {
            let index = 16 + index.index(bytes.len() - 16);
            bytes[index] = byte;
        }
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        if let Ok(snapshot) = decode(&bytes, &expected()) {
            prop_assert_eq!(encode(&snapshot, Authentication::None), bytes);
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for is_keyed in [false, true] {
        let good = encode(&snapshot(&[0x90; 100], 1), authentication(is_keyed));
        for demanded in [false, is_keyed] {
            let expected = Expected {
                authentication: authentication(demanded),
                ..expected()
            };
            assert!(decode(&good, &expected).is_ok());
            for bit in 0..good.len() * 8 {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(decode(&bytes, &expected).is_err(), "bit {bit}");
            }
        }
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let good = bytes(&[0x90; 5000], 1);
    for length in 0..good.len() {
        let refusal = decode(&good[..length], &expected()).unwrap_err();
        let is_named = matches!(refusal, Refusal::WrongSize { .. } | Refusal::NotASnapshot);
        assert!(is_named, "{length} bytes: {refusal}");
    }
    let longer = [&good[..], &[0]].concat();
    let refusal = decode(&longer, &expected()).unwrap_err();
    assert!(matches!(refusal, Refusal::WrongSize { .. }));
}

#[test]
fn every_key_must_be_the_same() {
    let good = bytes(&[0x90; 10], 1);
    let others = [
        (
            Key::Kernel,
            Keys {
                kernel_build_id: [9; 32],
                ..keys()
            },
        ),
        (
            Key::Program,
            Keys {
                program_hash: [9; 32],
                ..keys()
            },
        ),
        (
            Key::Processor,
            Keys {
                cpu_features: "skylake",
                ..keys()
            },
        ),
        (
            Key::Llvm,
            Keys {
                llvm_version: "19.1.0",
                ..keys()
            },
        ),
        (
            Key::Configuration,
            Keys {
                configuration: "",
                ..keys()
            },
        ),
    ];
    for (key, keys) in others {
        let expected = Expected { keys, ..expected() };
        assert_eq!(decode(&good, &expected), Err(Refusal::MadeForOther(key)));
    }
}

#[test]
fn an_image_that_demands_authentication_gets_it() {
    let demanding = |secret| Expected {
        authentication: Authentication::Keyed(secret),
        ..expected()
    };
    let plain = bytes(&[0x90; 10], 1);
    let keyed = encode(&snapshot(&[0x90; 10], 1), authentication(true));
    assert!(decode(&keyed, &demanding(&SECRET)).is_ok());
    assert!(decode(&keyed, &expected()).is_ok());
    assert_eq!(
        decode(&plain, &demanding(&SECRET)),
        Err(Refusal::NotAuthenticated)
    );
    assert_eq!(
        decode(&keyed, &demanding(&[0; 32])),
        Err(Refusal::WrongAuthentication)
    );
    // Changed, with a checksum that was made again.
    let mut forged = keyed[..keyed.len() - 32].to_vec();
    forged[100] ^= 1;
    let checksum = blake3::hash(&forged);
    forged.extend_from_slice(checksum.as_bytes());
    assert_eq!(
        decode(&forged, &demanding(&SECRET)),
        Err(Refusal::WrongAuthentication)
    );
}

/// Whoever changes the layout gives it the next version.
#[test]
fn the_layout_of_a_version_does_not_change() {
    let bytes = bytes(&[0x90; 10], 1);
    let version = u16::from_le_bytes([bytes[4], bytes[5]]);
    let hash = blake3::hash(&bytes).to_hex();
    assert_eq!(
        (version, &hash[..32]),
        (6, "59aada79dd25f329a74ae2c2017cc12c")
    );
}

#[test]
fn another_version_is_named() {
    let mut bytes = bytes(&[0x90; 10], 1);
    bytes[4] = u8::MAX;
    assert_eq!(
        decode(&bytes, &expected()),
        Err(Refusal::OtherVersion(u8::MAX.into()))
    );
    assert_eq!(decode(b"ELF", &expected()), Err(Refusal::NotASnapshot));
}

#[test]
fn contradictions_are_refused() {
    let good = snapshot(&[0x90; 100], 1);
    let is_malformed = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = good.clone();
        change(&mut snapshot);
        let bytes = encode(&snapshot, Authentication::None);
        matches!(decode(&bytes, &expected()), Err(Refusal::Malformed(_)))
    };
    assert!(!is_malformed(&|_| ()));
    assert!(is_malformed(
        &|snapshot| snapshot.code[0].access = Access::ReadWrite
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.data[0].access = Access::ReadExecute
    ));
    assert!(is_malformed(&|snapshot| snapshot.code[0].address += 1));
    assert!(is_malformed(&|snapshot| snapshot.data[0].address = CODE));
    assert!(is_malformed(
        &|snapshot| snapshot.data[0].address = POOL.start - PAGE_SIZE_BYTES
    ));
    assert!(is_malformed(&|snapshot| snapshot.data[0].address = POOL.end));
    assert!(is_malformed(
        &|snapshot| snapshot.data[0].address = 0_u64.wrapping_sub(PAGE_SIZE_BYTES)
    ));
    // A region without bytes on a page of another.
    assert!(is_malformed(&|snapshot| {
        let bytes = &[];
        let empty = Region {
            bytes,
            ..snapshot.code[0]
        };
        snapshot.code.insert(0, empty);
    }));
    assert!(is_malformed(
        &|snapshot| snapshot.functions[0].code_address += 1
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.functions[0].code_address = DATA
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.functions[0].code_bytes = u64::MAX
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.functions[0].code_bytes = 0
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.functions[0].tier = Tier::Interpreter
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.functions[1] = snapshot.functions[0]
    ));
    assert!(is_malformed(&|snapshot| snapshot.imports[0].address = CODE));
    assert!(is_malformed(
        &|snapshot| snapshot.imports[0].address = DATA + PAGE_SIZE_BYTES - 7
    ));
    assert!(is_malformed(&|snapshot| snapshot.imports[0].address = 0));
    assert!(is_malformed(&|snapshot| snapshot.data[0].size_bytes = 63));
    assert!(is_malformed(
        &|snapshot| snapshot.data[0].size_bytes = u64::MAX
    ));
    assert!(is_malformed(&|snapshot| snapshot.anchors[0].address = 0));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[0].address -= 1
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[0].size_bytes = 0
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[0].size_bytes = u64::MAX
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[0].access = Access::Read
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[0].owner = Owner::Function(2)
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[0].owner = Owner::Reserved
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[1] = snapshot.allocations[0]
    ));
    assert!(is_malformed(
        &|snapshot| snapshot.allocations[1].owner = Owner::Outside
    ));
    let outside = Allocation {
        address: POOL.end,
        size_bytes: 4 * PAGE_SIZE_BYTES,
        access: Access::ReadWrite,
        owner: Owner::Outside,
    };
    assert!(!is_malformed(&|snapshot| snapshot
        .allocations
        .push(outside)));
    for wrong in [
        Allocation {
            address: POOL.end - PAGE_SIZE_BYTES,
            ..outside
        },
        Allocation {
            address: POOL.end + 8,
            ..outside
        },
        Allocation {
            address: u64::MAX - PAGE_SIZE_BYTES + 1,
            ..outside
        },
        Allocation {
            size_bytes: 0,
            ..outside
        },
        Allocation {
            access: Access::ReadExecute,
            ..outside
        },
    ] {
        assert!(is_malformed(&|snapshot| snapshot.allocations.push(wrong)));
    }
}

#[test]
fn profiles_accumulate() {
    let code = [0x90; 10];
    let earlier = snapshot(&code, 3);
    let mut now = snapshot(&code, 1);
    now.profile.samples[0].symbol = "other.O3";
    now.profile.accumulate(&earlier.profile);
    assert_eq!(now.profile.boots, 4);
    assert_eq!(now.profile.total_cycles, 4000);
    assert_eq!(now.profile.samples.len(), 2);
    now.profile.accumulate(&earlier.profile);
    let samples = &now.profile.samples;
    let main = samples.iter().find(|sample| sample.symbol == "main.O3");
    assert_eq!(main.unwrap().count, 42);
}

#[test]
fn modules_are_told_apart_by_name_order_and_contents() {
    let modules: [&[(&str, &[u8])]; 5] = [
        &[("a", b"1"), ("b", b"2")],
        &[("b", b"2"), ("a", b"1")],
        &[("a", b"1b"), ("", b"2")],
        &[("a", b"1"), ("b", b"3")],
        &[("a", b"1")],
    ];
    let hashes: std::collections::BTreeSet<_> = modules.map(hash_of_modules).into();
    assert_eq!(hashes.len(), modules.len());
}
