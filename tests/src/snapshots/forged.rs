//! Snapshots whose checksum is right and whose contents are not: nobody writes such, but for those who mean harm or
//! have a bug.

use bareflow_snapshot::{
    Access, Allocation, AnchorKind, Authentication, Expected, Import, Keys, Owner, PAGE_SIZE_BYTES,
    Snapshot, decode, encode,
};
use bareflow_tier_policy::{Level, Tier};

use super::machine::Remembered;
use super::refusals::{expect_refusal, with_two_snapshots};
use super::{Check, SAMPLE};
use crate::subject::Subject;

pub const CASES: &[(&str, Check)] = &[("keys", check_keys), ("contents", check_contents)];

/// The addresses of the code pool.
const POOL: std::ops::Range<u64> = 0x4000_0000..0x4800_0000;
/// The first section's header is behind the file's; its body begins with two hashes.
const KEYS_OFFSET: usize = 32;
const HASH_BYTES: usize = 32;

/// The keys of a snapshot, whatever they are.
fn keys_of(bytes: &[u8]) -> Keys<'_> {
    let (hashes, mut rest) = bytes[KEYS_OFFSET..].split_at(2 * HASH_BYTES);
    let hash = |index: usize| {
        let hash = hashes[index * HASH_BYTES..].first_chunk();
        *hash.expect("there are two hashes")
    };
    let mut text = || {
        let (length, behind) = rest.split_first_chunk::<4>().expect("a text has a length");
        let (text, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
        rest = behind;
        str::from_utf8(text).expect("a text is UTF-8")
    };
    Keys {
        kernel_build_id: hash(0),
        program_hash: hash(1),
        cpu_features: text(),
        llvm_version: text(),
        configuration: text(),
    }
}

pub(super) fn contents_of(bytes: &[u8]) -> Result<Snapshot<'_>, String> {
    let expected = Expected {
        keys: keys_of(bytes),
        pool: POOL,
        authentication: Authentication::None,
    };
    decode(bytes, &expected).map_err(|refusal| refusal.to_string())
}

/// A change, and what the kernel says of the result.
type Forgery = (fn(&mut Snapshot), &'static str);

fn check(subject: &Subject, forgeries: &[Forgery]) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = with_two_snapshots(subject, &program)?;
    let good = machine.disk.read("boot_002.snap")?;
    for (number, (forge, reason)) in forgeries.iter().enumerate() {
        let mut snapshot = contents_of(&good)?;
        forge(&mut snapshot);
        let bytes = encode(&snapshot, Authentication::None);
        expect_refusal(&machine, &program, &bytes, reason)
            .map_err(|error| format!("forgery {number}, \"{reason}\": {error}"))?;
    }
    machine.disk.replace("boot_002.snap", &good)?;
    machine.boot(&program)?.expect_restored(2)
}

fn check_keys(subject: &Subject) -> Result<(), String> {
    let forgeries: [Forgery; 5] = [
        (
            |snapshot| snapshot.keys.kernel_build_id[31] ^= 1,
            "it was made for another kernel",
        ),
        (
            |snapshot| snapshot.keys.program_hash[0] ^= 1,
            "it was made for another program",
        ),
        (
            |snapshot| snapshot.keys.cpu_features = "GenuineIntel 806ec",
            "it was made for another processor",
        ),
        (
            |snapshot| snapshot.keys.llvm_version = "18.1.7",
            "it was made for another version of LLVM",
        ),
        (
            |snapshot| snapshot.keys.configuration = "pool-mib=128",
            "it was made for other settings",
        ),
    ];
    check(subject, &forgeries)
}

const ALLOCATION: &str = "it is malformed: an allocation is not a part of a region of its own";
const PAGES: &str = "it is malformed: a region is not at pages of its own in the pool";
const IMPORT: &str = "it is malformed: an import is not where addresses are";
const CODE: &str = "it is malformed: a function's code is not where code is";
const SEEN: &str = "what a function has seen is where nothing can be noted";
const ANCHOR: &str = "an anchor is where such anchors are not";
const IMPORTS: &str = "its imports are not one behind the other";
const UNALIGNED: &str = "an anchor is not aligned";
const UNUSED: &str = "a region has pages that no allocation uses";
const MISSING: &str = "it lacks an anchor that every program has";

fn check_contents(subject: &Subject) -> Result<(), String> {
    let forgeries: &[Forgery] = &[
        (
            |snapshot| snapshot.imports[0].name = "no_such_function",
            "this kernel has no 'no_such_function'",
        ),
        (
            |snapshot| snapshot.imports[0].name = "",
            "this kernel has no ''",
        ),
        (
            |snapshot| snapshot.imports[0].name = "put\0s",
            "a name has a zero byte in it",
        ),
        (|snapshot| snapshot.imports[0].address = 8, IMPORT),
        (
            |snapshot| snapshot.imports[0].address = u64::MAX - 3,
            IMPORT,
        ),
        (
            |snapshot| snapshot.imports[0].address = code_address(snapshot),
            IMPORT,
        ),
        (
            |snapshot| {
                let first = snapshot.imports[0];
                snapshot.imports.insert(0, first);
            },
            IMPORTS,
        ),
        (
            |snapshot| {
                snapshot.imports.remove(0);
            },
            IMPORTS,
        ),
        (
            |snapshot| {
                let name = snapshot.imports[0].name;
                snapshot.imports[1].name = name;
            },
            IMPORTS,
        ),
        (
            |snapshot| {
                let address = snapshot.imports[0].address + 1;
                snapshot.imports.push(Import {
                    name: "puts",
                    address,
                });
            },
            IMPORTS,
        ),
        (|snapshot| snapshot.allocations.reverse(), ALLOCATION),
        (
            |snapshot| snapshot.allocations[0].size_bytes = 0,
            ALLOCATION,
        ),
        (
            |snapshot| snapshot.allocations[0].size_bytes = u64::MAX,
            ALLOCATION,
        ),
        (
            |snapshot| snapshot.allocations[0].address = POOL.end,
            ALLOCATION,
        ),
        (
            |snapshot| {
                let allocation = first_allocation(snapshot, |allocation| {
                    allocation.access == Access::ReadExecute
                });
                allocation.access = Access::ReadWrite;
            },
            ALLOCATION,
        ),
        (
            |snapshot| {
                first_allocation(snapshot, |allocation| {
                    matches!(allocation.owner, Owner::Function(_))
                })
                .owner = Owner::Function(1 << 20);
            },
            "it is malformed: an allocation belongs to nobody",
        ),
        (
            |snapshot| {
                first_allocation(snapshot, |allocation| {
                    !allocation.size_bytes.is_multiple_of(PAGE_SIZE_BYTES)
                })
                .owner = Owner::Reserved;
            },
            "it is malformed: a reserved allocation is not of whole pages",
        ),
        (
            |snapshot| {
                snapshot
                    .allocations
                    .retain(|allocation| allocation.access != Access::ReadWrite);
            },
            UNUSED,
        ),
        (|snapshot| snapshot.allocations.clear(), UNUSED),
        (
            |snapshot| snapshot.anchors[0].address = 0,
            "it is malformed: an anchor is in no region",
        ),
        (
            |snapshot| anchor(snapshot, AnchorKind::Main).address = counters(snapshot),
            ANCHOR,
        ),
        (
            |snapshot| anchor(snapshot, AnchorKind::Counters).address = code_address(snapshot),
            ANCHOR,
        ),
        (
            |snapshot| anchor(snapshot, AnchorKind::Stubs).address = counters(snapshot),
            ANCHOR,
        ),
        (
            |snapshot| anchor(snapshot, AnchorKind::Counters).address += 4,
            UNALIGNED,
        ),
        (
            |snapshot| {
                let data = &snapshot.data[snapshot.data.len() - 1];
                let last = data.address + data.size_bytes - 8;
                anchor(snapshot, AnchorKind::Counters).address = last;
            },
            "an anchor is where such anchors are not",
        ),
        (
            |snapshot| {
                snapshot
                    .anchors
                    .retain(|anchor| anchor.kind != AnchorKind::Main);
            },
            MISSING,
        ),
        (
            |snapshot| {
                snapshot
                    .anchors
                    .retain(|anchor| anchor.kind != AnchorKind::Counters);
            },
            MISSING,
        ),
        (|snapshot| snapshot.anchors.clear(), MISSING),
        (
            |snapshot| {
                snapshot
                    .anchors
                    .retain(|anchor| anchor.kind != AnchorKind::Got);
            },
            IMPORTS,
        ),
        (
            |snapshot| {
                snapshot
                    .anchors
                    .retain(|anchor| anchor.kind != AnchorKind::Plt);
            },
            IMPORTS,
        ),
        (
            |snapshot| {
                let again = snapshot.functions[0];
                snapshot.functions.push(again);
            },
            "it is malformed: a function comes twice",
        ),
        (
            |snapshot| native(snapshot).code_address = POOL.end - 1,
            CODE,
        ),
        (|snapshot| native(snapshot).code_bytes = u64::MAX, CODE),
        (|snapshot| native(snapshot).code_bytes = 0, CODE),
        (
            |snapshot| {
                let function = native(snapshot);
                function.seen_address = function.code_address;
                function.seen = &[0; 100];
            },
            SEEN,
        ),
        (
            |snapshot| {
                let words = counters(snapshot) + 1;
                let function = native(snapshot);
                function.seen_address = words;
                function.seen = &[0; 100];
            },
            SEEN,
        ),
        (|snapshot| native(snapshot).tier = Tier::Interpreter, CODE),
        (
            |snapshot| native(snapshot).code_address = counters(snapshot),
            CODE,
        ),
        (
            |snapshot| {
                let function = snapshot
                    .functions
                    .iter_mut()
                    .find(|function| function.tier == Tier::Interpreter);
                function.expect("a loop has no code of its own").tier = Tier::Native(Level::O3);
            },
            CODE,
        ),
        (|snapshot| snapshot.code[0].address += 1, PAGES),
        (|snapshot| snapshot.code[0].address = 0x1000, PAGES),
        (
            |snapshot| snapshot.data[0].address = snapshot.code[0].address,
            PAGES,
        ),
        (
            |snapshot| {
                let region = snapshot.data.last_mut().expect("there is data");
                region.size_bytes = u64::MAX;
            },
            "it is malformed: a region ends behind the pool",
        ),
        (
            |snapshot| snapshot.code[0].size_bytes = 1,
            "it is malformed: a region has more bytes than it is large",
        ),
        (
            |snapshot| snapshot.code[0].access = Access::ReadWrite,
            "it is malformed: code that is writable, or data that is not",
        ),
        (
            |snapshot| snapshot.data[0].access = Access::ReadExecute,
            "it is malformed: code that is writable, or data that is not",
        ),
        (|snapshot| snapshot.code.clear(), CODE),
    ];
    check(subject, forgeries)
}

fn first_allocation<'a>(
    snapshot: &'a mut Snapshot,
    is_wanted: impl Fn(&Allocation) -> bool,
) -> &'a mut Allocation {
    let mut allocations = snapshot.allocations.iter_mut();
    allocations
        .find(|allocation| is_wanted(allocation))
        .expect("the sample has such an allocation")
}

fn anchor<'a, 'b>(
    snapshot: &'a mut Snapshot<'b>,
    kind: AnchorKind,
) -> &'a mut bareflow_snapshot::Anchor<'b> {
    let mut anchors = snapshot.anchors.iter_mut();
    anchors
        .find(|anchor| anchor.kind == kind)
        .expect("the sample has such an anchor")
}

fn counters(snapshot: &Snapshot) -> u64 {
    let mut anchors = snapshot.anchors.iter();
    anchors
        .find(|anchor| anchor.kind == AnchorKind::Counters)
        .map_or(0, |anchor| anchor.address)
}

/// Where some function's code is.
fn code_address(snapshot: &Snapshot) -> u64 {
    let addresses = snapshot
        .functions
        .iter()
        .map(|function| function.code_address);
    addresses.max().unwrap_or(0)
}

/// A function with code.
fn native<'a, 'b>(snapshot: &'a mut Snapshot<'b>) -> &'a mut bareflow_snapshot::Function<'b> {
    let mut functions = snapshot.functions.iter_mut();
    functions
        .find(|function| function.tier != Tier::Interpreter)
        .expect("the sample has code")
}
