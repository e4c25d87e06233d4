//! Snapshots. The first byte of the input says what the rest is:
//!
//! - a file as it is;
//! - the sections of a file, around which header, size, authentication and checksum are put as they must be, so that
//!   the checks behind the checksum are reached;
//! - changes of a good snapshot's contents, which is then written by the encoder.

use arbitrary::{Arbitrary, Unstructured};
use bareflow_snapshot::{
    Access, AnchorKind, Authentication, Expected, Key, Owner, PAGE_SIZE_BYTES, Refusal, Region,
    Snapshot, decode, encode, pages_of,
};
use bareflow_tier_policy::{LEVELS, TIERS, Tier};

use crate::{assert_is_reason, peak_bytes_of};

#[path = "../../snapshot/tests/snapshot/sample.rs"]
mod sample;

use sample::{CODE, DATA, POOL, snapshot};

const SECRET: [u8; 32] = [42; 32];
const HASH_BYTES: usize = 32;
/// What comes before the size of the file: magic, version, kind of authentication.
const BEFORE_SIZE_BYTES: usize = 8;
const HEADER_BYTES: usize = 16;
/// The smallest thing that is counted has 12 bytes, and at most 32 in memory; growing doubles and copies.
const MOST_PEAK_FACTOR: u64 = 16;
const MOST_CHANGES: usize = 24;

const RAW: u8 = 0;
const SECTIONS: u8 = 1;
const SIGNED_SECTIONS: u8 = 2;
const CHANGES: u8 = 3;

static CODE_BYTES: [u8; 5000] = [0x90; 5000];

/// A file is refused with a reason, or is exactly what the encoder writes for its contents.
pub(crate) fn check(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    match kind & 3 {
        RAW => {
            check_file(rest, Authentication::None);
            check_file(rest, Authentication::Keyed(&SECRET));
        }
        SECTIONS => {
            check_file(&seal(rest, Authentication::None), Authentication::None);
        }
        SIGNED_SECTIONS => {
            let demanded = Authentication::Keyed(&SECRET);
            let file = seal(rest, demanded);
            let is_accepted = check_file(&file, demanded);
            assert_eq!(check_file(&file, Authentication::None), is_accepted);
            let refusal = decode(&file, &expected(Authentication::Keyed(&[1; 32]))).err();
            assert_eq!(refusal, Some(Refusal::WrongAuthentication));
        }
        _ => check_changes(&mut Unstructured::new(rest)),
    }
}

fn expected(authentication: Authentication<'_>) -> Expected<'_> {
    Expected {
        authentication,
        ..sample::expected()
    }
}

/// Puts everything around sections that a file needs for its sections to be looked at.
fn seal(sections: &[u8], authentication: Authentication) -> Vec<u8> {
    let tag_bytes = match authentication {
        Authentication::None => 0,
        Authentication::Keyed(_) => HASH_BYTES,
    };
    let size = (HEADER_BYTES + sections.len() + tag_bytes + HASH_BYTES) as u64;
    let good = encode(&snapshot(&[0x90], 1), authentication);
    let mut file = good[..BEFORE_SIZE_BYTES].to_vec();
    file.extend_from_slice(&size.to_le_bytes());
    file.extend_from_slice(sections);
    if let Authentication::Keyed(secret) = authentication {
        let tag = blake3::keyed_hash(secret, &file);
        file.extend_from_slice(tag.as_bytes());
    }
    let checksum = blake3::hash(&file);
    file.extend_from_slice(checksum.as_bytes());
    file
}

/// Decodes a file and checks what comes out; returns whether it was accepted.
fn check_file(file: &[u8], authentication: Authentication) -> bool {
    let expected = expected(authentication);
    let (peak_bytes, decoded) = peak_bytes_of(|| decode(file, &expected));
    let most_bytes = MOST_PEAK_FACTOR * file.len() as u64;
    assert!(
        peak_bytes <= most_bytes,
        "{peak_bytes} bytes for a file of {}",
        file.len()
    );
    let snapshot = match decoded {
        Ok(snapshot) => snapshot,
        Err(refusal) => {
            assert_is_reason(&refusal);
            assert!(!matches!(
                refusal,
                Refusal::Unreadable(_) | Refusal::TooLarge(_)
            ));
            return false;
        }
    };
    assert!(snapshot.keys == expected.keys, "other keys");
    if let Err(problem) = consistent(&snapshot) {
        panic!("accepted: {problem}");
    }
    let again = encode(&snapshot, authentication);
    let is_signed = file[6] != 0;
    if is_signed && matches!(authentication, Authentication::None) {
        // The tag is not looked at. All else is the same.
        let behind = file.len() - 2 * HASH_BYTES;
        assert_eq!(
            again[HEADER_BYTES..again.len() - HASH_BYTES],
            file[HEADER_BYTES..behind]
        );
    } else {
        assert_eq!(again, file);
    }
    check_accumulation(&snapshot, &expected);
    check_layout(&snapshot);
    true
}

/// Adding up profiles keeps a snapshot good.
fn check_accumulation(snapshot: &Snapshot, expected: &Expected) {
    let mut sum = snapshot.clone();
    sum.profile.accumulate(&snapshot.profile);
    assert_eq!(sum.profile.boots, snapshot.profile.boots.saturating_mul(2));
    let file = encode(&sum, expected.authentication);
    assert_eq!(decode(&file, expected), Ok(sum));
}

/// The pages of the allocations lie in regions of the same access.
fn check_layout(snapshot: &Snapshot) {
    for (pages, access) in pages_of(&snapshot.allocations) {
        assert!(pages.start < pages.end && pages.end <= POOL.end);
        assert_eq!(snapshot.access_of(pages.start, 1), Some(access));
    }
}

/// What the page "Reference: snapshots" says of contents, in a second, slow way.
fn consistent(snapshot: &Snapshot) -> Result<(), &'static str> {
    let ensure = |holds: bool, problem| if holds { Ok(()) } else { Err(problem) };
    let regions: Vec<_> = snapshot.code.iter().chain(&snapshot.data).collect();
    // Without overflow, and a region without bytes has a page too.
    let pages = |address: u64, size: u64| {
        let first = u128::from(address / PAGE_SIZE_BYTES);
        let count = u128::from(size.max(1)).div_ceil(PAGE_SIZE_BYTES.into());
        first..first + count
    };
    let pool = u128::from(POOL.start / PAGE_SIZE_BYTES)..u128::from(POOL.end / PAGE_SIZE_BYTES);
    for (index, region) in regions.iter().enumerate() {
        ensure(region.address % PAGE_SIZE_BYTES == 0, "not at a page")?;
        ensure(
            region.bytes.len() as u64 <= region.size_bytes,
            "more bytes than memory",
        )?;
        let own = pages(region.address, region.size_bytes);
        ensure(
            own.start >= pool.start && own.end <= pool.end,
            "outside the pool",
        )?;
        for other in &regions[..index] {
            let others = pages(other.address, other.size_bytes);
            let is_apart = own.start >= others.end || others.start >= own.end;
            ensure(is_apart, "regions share a page")?;
        }
    }
    for list in [&snapshot.code, &snapshot.data] {
        let is_sorted = list
            .windows(2)
            .all(|pair| pair[0].address < pair[1].address);
        ensure(is_sorted, "regions are not in order")?;
    }
    let is_writable = |access| access == Access::ReadWrite;
    let is_right = snapshot
        .code
        .iter()
        .all(|region| !is_writable(region.access))
        && snapshot
            .data
            .iter()
            .all(|region| is_writable(region.access));
    ensure(is_right, "wrong access")?;
    let lies_in = |address: u64, size: u64, executable: bool| {
        covered(&regions, address, size)
            .is_some_and(|access| (access == Access::ReadExecute) == executable)
    };
    for (index, function) in snapshot.functions.iter().enumerate() {
        let (address, size) = (function.code_address, function.code_bytes);
        let is_right = match function.tier {
            Tier::Interpreter => address == 0 && size == 0,
            Tier::Native(_) => size != 0 && lies_in(address, size, true),
        };
        ensure(is_right, "a function's code is elsewhere")?;
        let is_new = snapshot.functions[..index]
            .iter()
            .all(|other| other.name != function.name || other.kind != function.kind);
        ensure(is_new, "a function comes twice")?;
        let is_right = function.cycles.is_none_or(|cycles| cycles.calls != 0);
        ensure(is_right, "cycles of no calls")?;
    }
    for import in &snapshot.imports {
        ensure(lies_in(import.address, 8, false), "an import is elsewhere")?;
    }
    let has_access =
        |address: u64, size: u64, access| covered(&regions, address, size) == Some(access);
    for (index, allocation) in snapshot.allocations.iter().enumerate() {
        let is_inside = match allocation.owner {
            Owner::Outside => {
                allocation.address >= POOL.end && allocation.access == Access::ReadWrite
            }
            _ => has_access(allocation.address, allocation.size_bytes, allocation.access),
        };
        ensure(
            allocation.size_bytes != 0 && is_inside,
            "an allocation is elsewhere",
        )?;
        let is_behind = snapshot.allocations[..index]
            .iter()
            .all(|other| other.address + other.size_bytes <= allocation.address);
        ensure(is_behind, "allocations overlap, or are not in order")?;
        let is_right = match allocation.owner {
            Owner::Function(number) => (number as usize) < snapshot.functions.len(),
            Owner::Reserved | Owner::Outside => {
                allocation.address % PAGE_SIZE_BYTES == 0
                    && allocation.size_bytes % PAGE_SIZE_BYTES == 0
            }
            Owner::Kept | Owner::Data => true,
        };
        ensure(is_right, "an allocation has a wrong owner")?;
    }
    for anchor in &snapshot.anchors {
        let is_inside = [Access::Read, Access::ReadWrite, Access::ReadExecute]
            .into_iter()
            .any(|access| has_access(anchor.address, 1, access));
        ensure(is_inside, "an anchor is elsewhere")?;
    }
    Ok(())
}

/// The access of memory that regions of one access cover from end to end.
fn covered(regions: &[&Region], address: u64, size: u64) -> Option<Access> {
    let end = u128::from(address) + u128::from(size);
    let mut at = u128::from(address);
    let mut access = None;
    while at < end {
        let region = regions.iter().find(|region| {
            let start = u128::from(region.address);
            (start..start + u128::from(region.size_bytes)).contains(&at)
        })?;
        if access.is_some_and(|access| access != region.access) {
            return None;
        }
        access = Some(region.access);
        at = u128::from(region.address) + u128::from(region.size_bytes);
    }
    access
}

/// Changed contents are accepted exactly when they are consistent, and are then read as they were.
fn check_changes(input: &mut Unstructured) {
    let mut snapshot = snapshot(&CODE_BYTES[..100], 1);
    for _ in 0..MOST_CHANGES {
        if input.is_empty() || change(&mut snapshot, input).is_err() {
            break;
        }
    }
    let file = encode(&snapshot, Authentication::None);
    let is_for_us = snapshot.keys == sample::keys();
    let is_consistent = consistent(&snapshot);
    let is_accepted = check_file(&file, Authentication::None);
    assert_eq!(
        is_accepted,
        is_for_us && is_consistent.is_ok(),
        "{is_consistent:?}"
    );
    let decoded = decode(&file, &expected(Authentication::None));
    if is_accepted {
        assert_eq!(decoded.as_ref(), Ok(&snapshot));
    } else if !is_for_us && is_consistent.is_ok() {
        let is_named = matches!(decoded, Err(Refusal::MadeForOther(key)) if key != Key::Llvm);
        assert!(is_named, "{decoded:?}");
    }
}

/// An address or a size that is near something.
fn number(input: &mut Unstructured) -> arbitrary::Result<u64> {
    let data_end = DATA + PAGE_SIZE_BYTES;
    let near = *input.choose(&[0, POOL.start, CODE, DATA, POOL.end, u64::MAX, 100, data_end])?;
    let unit = *input.choose(&[1, 8, PAGE_SIZE_BYTES])?;
    let distance = i64::from(i8::arbitrary(input)?);
    Ok(near.wrapping_add((distance as u64).wrapping_mul(unit)))
}

/// One of the things in a list.
fn one_of<'l, T>(list: &'l mut [T], input: &mut Unstructured) -> arbitrary::Result<&'l mut T> {
    let index = input.choose_index(list.len())?;
    Ok(&mut list[index])
}

/// Changes one thing.
fn change(snapshot: &mut Snapshot<'_>, input: &mut Unstructured) -> arbitrary::Result<()> {
    let list = match bool::arbitrary(input)? {
        true => &mut snapshot.code,
        false => &mut snapshot.data,
    };
    let functions = &mut snapshot.functions;
    match u8::arbitrary(input)? % 20 {
        0 => one_of(list, input)?.address = number(input)?,
        1 => {
            let length = u16::arbitrary(input)?;
            let length = usize::from(length).min(CODE_BYTES.len());
            let region = one_of(list, input)?;
            region.bytes = &CODE_BYTES[..length];
            region.size_bytes = length as u64;
        }
        2 => {
            let access = [Access::Read, Access::ReadWrite, Access::ReadExecute];
            one_of(list, input)?.access = *input.choose(&access)?;
        }
        3 => {
            let mut region = *one_of(list, input)?;
            region.address = number(input)?;
            list.push(region);
        }
        4 => list.sort_by_key(|region| region.address),
        5 => {
            list.pop();
        }
        6 => {
            let function = one_of(functions, input)?;
            function.code_address = number(input)?;
            function.seen_address = number(input)?;
        }
        7 => one_of(functions, input)?.code_bytes = number(input)?,
        8 => one_of(functions, input)?.tier = *input.choose(&TIERS)?,
        9 => {
            let mut function = *one_of(functions, input)?;
            function.name = input.choose(&["main", "cold", "other", "", "\u{e9}"])?;
            functions.push(function);
        }
        10 => {
            let function = one_of(functions, input)?;
            let bits = u8::arbitrary(input)?;
            function.tried = LEVELS.map(|level| bits >> level.index() & 1 != 0);
            function.calls = number(input)?;
        }
        11 => {
            if let Some(cycles) = &mut one_of(functions, input)?.cycles {
                cycles.calls = number(input)?;
                cycles.least = number(input)?;
            }
        }
        12 => {
            let mut import = *one_of(&mut snapshot.imports, input)?;
            import.address = number(input)?;
            snapshot.imports.push(import);
        }
        13 => snapshot.imports.clear(),
        14 => {
            let mut sample = *one_of(&mut snapshot.profile.samples, input)?;
            sample.count = number(input)?;
            sample.symbol = input.choose(&["main.O3", "other", ""])?;
            snapshot.profile.samples.push(sample);
        }
        15 => one_of(list, input)?.size_bytes = number(input)?,
        16 => {
            let allocation = one_of(&mut snapshot.allocations, input)?;
            match u8::arbitrary(input)? % 4 {
                0 => allocation.address = number(input)?,
                1 => allocation.size_bytes = number(input)?,
                2 => {
                    let access = [Access::Read, Access::ReadWrite, Access::ReadExecute];
                    allocation.access = *input.choose(&access)?;
                }
                _ => {
                    let owners = [
                        Owner::Function(0),
                        Owner::Function(1),
                        Owner::Function(2),
                        Owner::Kept,
                        Owner::Data,
                        Owner::Reserved,
                        Owner::Outside,
                    ];
                    allocation.owner = *input.choose(&owners)?;
                }
            }
        }
        17 => {
            let mut allocation = *one_of(&mut snapshot.allocations, input)?;
            allocation.address = number(input)?;
            allocation.size_bytes = number(input)?;
            snapshot.allocations.push(allocation);
            if bool::arbitrary(input)? {
                snapshot
                    .allocations
                    .sort_by_key(|allocation| allocation.address);
            }
        }
        18 => {
            let mut anchor = *one_of(&mut snapshot.anchors, input)?;
            anchor.kind = *input.choose(&AnchorKind::ALL)?;
            anchor.address = number(input)?;
            snapshot.anchors.push(anchor);
        }
        _ => match u8::arbitrary(input)? % 8 {
            0 => snapshot.keys.program_hash = [9; 32],
            1 => snapshot.keys.kernel_build_id = [9; 32],
            2 => snapshot.keys.cpu_features = "another",
            3 => snapshot.keys.configuration = "",
            _ => snapshot.profile.boots = number(input)?,
        },
    }
    Ok(())
}

/// A good file, good sections, damaged ones, and some changes.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let with = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let sections = |file: &[u8], tag_bytes: usize| {
        file[HEADER_BYTES..file.len() - HASH_BYTES - tag_bytes].to_vec()
    };
    let plain = sample::bytes(&CODE_BYTES[..40], 1);
    let signed = encode(
        &snapshot(&CODE_BYTES[..40], 1),
        Authentication::Keyed(&SECRET),
    );
    let mut rich = snapshot(&CODE_BYTES[..40], 1);
    let constants = Region {
        address: CODE + PAGE_SIZE_BYTES,
        access: Access::Read,
        size_bytes: 24,
        bytes: &[0; 24],
    };
    rich.code.push(constants);
    let mut import = rich.imports[0];
    import.address = constants.address + 16;
    rich.imports.push(import);
    let rich = encode(&rich, Authentication::None);
    let mut seeds = vec![
        with(RAW, &plain),
        with(RAW, &signed),
        with(RAW, &plain[..60]),
        with(SECTIONS, &sections(&plain, 0)),
        with(SECTIONS, &sections(&rich, 0)),
        with(SIGNED_SECTIONS, &sections(&signed, HASH_BYTES)),
    ];
    for step in 0..20 {
        seeds.push(with(CHANGES, &[1, step, 0, 1, 3, 0, 1, 1, 9, 0, 0, 2, 5]));
    }
    // Imports whose last byte is the last of the data, and the one behind it.
    seeds.push(with(CHANGES, &[0, 12, 7, 0, 0xf8]));
    seeds.push(with(CHANGES, &[0, 12, 7, 0, 0xf9]));
    // An import in two regions that are next to each other.
    seeds.push(with(CHANGES, &[24, 252, 255, 255, 255, 96, 3, 255, 251]));
    // A region without bytes on a page of another, which was accepted once.
    seeds.push(with(CHANGES, &[1, 3, 2, 0, 0, 1, 1, 0, 0, 0]));
    seeds
}
