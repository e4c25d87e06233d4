//! Checking and reading a snapshot.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::Range;

use bareflow_tier_policy::{Kind, LEVELS, TABLE, TIERS, Tier};

use crate::model::{
    Access, Allocation, Anchor, AnchorKind, Authentication, Function, Import, Keys, Owner,
    PAGE_SIZE_BYTES, Region, Snapshot, key,
};
use crate::processor::runs_on;
use crate::profile::{CallCycles, Part, Profile, Sample};
use crate::refusal::{Key, Refusal};
use crate::wire::{
    CHECKSUM_BYTES, HEADER_BYTES, KEYED_BLAKE3, MAGIC, NOT_AUTHENTICATED, OWNER_DATA, OWNER_KEPT,
    OWNER_OUTSIDE, OWNER_RESERVED, Reader, Section, TAG_BYTES, VERSION,
};

/// What this boot demands of a snapshot.
#[derive(Clone)]
pub struct Expected<'a> {
    /// For what it must have been made.
    pub keys: Keys<'a>,
    /// The addresses of the code pool.
    pub pool: Range<u64>,
    /// [`Authentication::None`] takes authenticated snapshots too, unchecked.
    pub authentication: Authentication<'a>,
}

/// Checks everything about a snapshot and reads it.
///
/// # Errors
/// [`Refusal`], but for [`Refusal::Unreadable`].
pub fn decode<'a>(bytes: &'a [u8], expected: &Expected) -> Result<Snapshot<'a>, Refusal> {
    let body = verify(bytes, expected.authentication)?;
    let snapshot = parse(body)?;
    check_keys(&snapshot.keys, &expected.keys)?;
    check_structure(&snapshot, &expected.pool)?;
    Ok(snapshot)
}

/// Reads a snapshot that is only looked at: everything is checked but authentication and for what it was made.
///
/// # Errors
/// [`Refusal`], but for [`Refusal::Unreadable`].
pub fn inspect(bytes: &[u8]) -> Result<Snapshot<'_>, Refusal> {
    let snapshot = parse(verify(bytes, Authentication::None)?)?;
    check_structure(&snapshot, &(0..u64::MAX))?;
    Ok(snapshot)
}

/// Checks size, checksum and authentication; returns the sections.
fn verify<'a>(bytes: &'a [u8], authentication: Authentication) -> Result<&'a [u8], Refusal> {
    if !bytes.starts_with(&MAGIC) {
        return Err(Refusal::NotASnapshot);
    }
    let too_short = |_| Refusal::WrongSize {
        declared_bytes: (HEADER_BYTES + CHECKSUM_BYTES) as u64,
        actual_bytes: bytes.len() as u64,
    };
    let mut header = Reader::new(&bytes[MAGIC.len()..]);
    let version = header.u16().map_err(too_short)?;
    if version != VERSION {
        return Err(Refusal::OtherVersion(version));
    }
    let kind = header.u16().map_err(too_short)?;
    let declared_bytes = header.u64().map_err(too_short)?;
    let actual_bytes = bytes.len() as u64;
    if declared_bytes != actual_bytes {
        return Err(Refusal::WrongSize {
            declared_bytes,
            actual_bytes,
        });
    }
    let (checked, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .filter(|(checked, _)| checked.len() >= HEADER_BYTES)
        .ok_or(Refusal::Malformed("something ends too late"))?;
    if blake3::hash(checked) != *checksum {
        return Err(Refusal::WrongChecksum);
    }
    let (signed, tag) = match kind {
        NOT_AUTHENTICATED => (checked, None),
        KEYED_BLAKE3 => {
            let (signed, tag) = checked
                .split_last_chunk::<TAG_BYTES>()
                .filter(|(signed, _)| signed.len() >= HEADER_BYTES)
                .ok_or(Refusal::Malformed("something ends too late"))?;
            (signed, Some(tag))
        }
        _ => return Err(Refusal::Malformed("an unknown kind of authentication")),
    };
    if let Authentication::Keyed(secret) = authentication {
        let tag = tag.ok_or(Refusal::NotAuthenticated)?;
        // The comparison takes the same time wherever the difference is.
        if blake3::keyed_hash(secret, signed) != *tag {
            return Err(Refusal::WrongAuthentication);
        }
    }
    Ok(&signed[HEADER_BYTES..])
}

/// The contents of a file that [`decode`] has accepted.
pub(crate) fn parse_accepted(bytes: &[u8]) -> Result<Snapshot<'_>, Refusal> {
    parse(verify_layout(bytes)?)
}

/// The sections of a file whose checksum was right.
fn verify_layout(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let mut header = Reader::new(bytes);
    header.take((MAGIC.len() + 2) as u64)?;
    let tag_bytes = match header.u16()? {
        KEYED_BLAKE3 => TAG_BYTES,
        _ => 0,
    };
    let end = bytes.len().checked_sub(CHECKSUM_BYTES + tag_bytes);
    end.and_then(|end| bytes.get(HEADER_BYTES..end))
        .ok_or(Refusal::Malformed("something ends too late"))
}

fn parse(sections: &[u8]) -> Result<Snapshot<'_>, Refusal> {
    let mut reader = Reader::new(sections);

    let mut body = reader.section(Section::Keys)?;
    let keys = Keys {
        kernel_build_id: body.hash()?,
        program_hash: body.hash()?,
        cpu_features: body.text()?,
        llvm_version: body.text()?,
        configuration: body.text()?,
    };
    body.end()?;

    let mut body = reader.section(Section::Levels)?;
    check_levels(&mut body)?;
    body.end()?;

    let mut body = reader.section(Section::Functions)?;
    let functions = body.list(take_function)?;
    body.end()?;

    let mut body = reader.section(Section::Imports)?;
    let imports = body.list(|body| {
        Ok(Import {
            address: body.u64()?,
            name: body.text()?,
        })
    })?;
    body.end()?;

    let mut body = reader.section(Section::Allocations)?;
    let allocations = body.list(|body| {
        Ok(Allocation {
            address: body.u64()?,
            size_bytes: body.u64()?,
            access: take_access(body)?,
            owner: match body.u32()? {
                OWNER_KEPT => Owner::Kept,
                OWNER_DATA => Owner::Data,
                OWNER_RESERVED => Owner::Reserved,
                OWNER_OUTSIDE => Owner::Outside,
                number => Owner::Function(number),
            },
        })
    })?;
    body.end()?;

    let mut body = reader.section(Section::Places)?;
    let anchors = body.list(|body| {
        Ok(Anchor {
            kind: *AnchorKind::ALL
                .get(usize::from(body.u8()?))
                .ok_or(Refusal::Malformed("an unknown kind of anchor"))?,
            address: body.u64()?,
            name: body.text()?,
        })
    })?;
    body.end()?;

    let code = take_regions(reader.section(Section::Code)?)?;
    let data = take_regions(reader.section(Section::Data)?)?;

    let mut body = reader.section(Section::Profile)?;
    let profile = take_profile(&mut body)?;
    body.end()?;
    reader.end()?;
    Ok(Snapshot {
        keys,
        functions,
        imports,
        allocations,
        anchors,
        code,
        data,
        profile,
    })
}

/// Everything else speaks of levels by their numbers in this table.
fn check_levels(body: &mut Reader) -> Result<(), Refusal> {
    if body.u32()? as usize != TABLE.len() {
        return Err(Refusal::OtherLevels);
    }
    for row in &TABLE {
        let found = (body.text()?, body.text()?, body.u8()?);
        if found != (row.name, row.generator.name(), row.optimisation) {
            return Err(Refusal::OtherLevels);
        }
    }
    Ok(())
}

fn take_function<'a>(body: &mut Reader<'a>) -> Result<Function<'a>, Refusal> {
    let kind = match body.u8()? {
        0 => Kind::Function,
        1 => Kind::Loop,
        _ => return Err(Refusal::Malformed("an unknown kind of function")),
    };
    let tier = *TIERS
        .get(usize::from(body.u8()?))
        .ok_or(Refusal::Malformed("an unknown tier"))?;
    let bits = body.u32()?;
    if bits >> LEVELS.len() != 0 {
        return Err(Refusal::Malformed("an unknown level"));
    }
    let tried = LEVELS.map(|level| bits >> level.index() & 1 != 0);
    let loops = match usize::from(body.u8()?) {
        0 => None,
        number => Some(
            *LEVELS
                .get(number - 1)
                .ok_or(Refusal::Malformed("an unknown level"))?,
        ),
    };
    let name = body.text()?;
    let calls = body.u64()?;
    let cycles = CallCycles {
        calls: body.u64()?,
        total: body.u64()?,
        least: body.u64()?,
        most: body.u64()?,
    };
    let no_cycles = cycles.total == 0 && cycles.least == 0 && cycles.most == 0;
    if cycles.calls == 0 && !no_cycles {
        return Err(Refusal::Malformed("cycles of no calls"));
    }
    Ok(Function {
        name,
        kind,
        tier,
        tried,
        loops,
        calls,
        cycles: (cycles.calls != 0).then_some(cycles),
        code_address: body.u64()?,
        code_bytes: body.u64()?,
        seen_address: body.u64()?,
        seen: body.bytes()?,
    })
}

fn take_access(body: &mut Reader<'_>) -> Result<Access, Refusal> {
    match body.u32()? {
        1 => Ok(Access::Read),
        3 => Ok(Access::ReadWrite),
        5 => Ok(Access::ReadExecute),
        _ => Err(Refusal::Malformed("an unknown access")),
    }
}

fn take_regions(mut body: Reader<'_>) -> Result<Vec<Region<'_>>, Refusal> {
    let headers = body.list(|body| {
        let (address, size, stored) = (body.u64()?, body.u64()?, body.u64()?);
        let access = take_access(body)?;
        Ok((address, size, stored, access))
    })?;
    let mut regions = Vec::new();
    for (address, size_bytes, stored, access) in headers {
        regions.push(Region {
            address,
            access,
            size_bytes,
            bytes: body.take(stored)?,
        });
    }
    body.end()?;
    Ok(regions)
}

fn take_profile<'a>(body: &mut Reader<'a>) -> Result<Profile<'a>, Refusal> {
    Ok(Profile {
        boots: body.u64()?,
        total_cycles: body.u64()?,
        compile_cycles: body.u64()?,
        samples_per_second: body.u64()?,
        samples: body.list(|body| {
            Ok(Sample {
                part: *Part::ALL
                    .get(usize::from(body.u8()?))
                    .ok_or(Refusal::Malformed("an unknown part"))?,
                symbol: body.text()?,
                count: body.u64()?,
            })
        })?,
        learnt: body
            .list(Reader::u32)?
            .try_into()
            .map_err(|_| Refusal::Malformed("a cost of an unknown level"))?,
    })
}

fn check_keys(keys: &Keys, expected: &Keys) -> Result<(), Refusal> {
    let checks = [
        (
            keys.kernel_build_id == expected.kernel_build_id,
            Key::Kernel,
        ),
        (keys.program_hash == expected.program_hash, Key::Program),
        (
            runs_on(keys.cpu_features, expected.cpu_features),
            Key::Processor,
        ),
        (keys.llvm_version == expected.llvm_version, Key::Llvm),
        (
            keys.configuration == expected.configuration,
            Key::Configuration,
        ),
    ];
    match checks.iter().find(|(is_same, _)| !is_same) {
        Some((_, key)) => Err(Refusal::MadeForOther(*key)),
        None => Ok(()),
    }
}

fn check_structure(snapshot: &Snapshot, pool: &Range<u64>) -> Result<(), Refusal> {
    let is_writable = |region: &Region| region.access == Access::ReadWrite;
    if snapshot.code.iter().any(is_writable) || !snapshot.data.iter().all(is_writable) {
        return Err(Refusal::Malformed(
            "code that is writable, or data that is not",
        ));
    }
    let mut regions: Vec<&Region> = snapshot.code.iter().chain(&snapshot.data).collect();
    regions.sort_unstable_by_key(|region| region.address);
    let mut free_from = pool.start;
    for region in &regions {
        if region.bytes.len() as u64 > region.size_bytes {
            return Err(Refusal::Malformed(
                "a region has more bytes than it is large",
            ));
        }
        if region.address < free_from || !region.address.is_multiple_of(PAGE_SIZE_BYTES) {
            return Err(Refusal::Malformed(
                "a region is not at pages of its own in the pool",
            ));
        }
        // A region without bytes has a page, too.
        free_from = region
            .address
            .checked_add(region.size_bytes.max(1))
            .and_then(|end| end.checked_next_multiple_of(PAGE_SIZE_BYTES))
            .filter(|end| *end <= pool.end)
            .ok_or(Refusal::Malformed("a region ends behind the pool"))?;
    }
    for sorted in [&snapshot.code, &snapshot.data] {
        if !sorted.is_sorted_by_key(|region| region.address) {
            return Err(Refusal::Malformed("regions are not in order"));
        }
    }
    let mut seen = BTreeSet::new();
    for function in &snapshot.functions {
        if !seen.insert(key(function)) {
            return Err(Refusal::Malformed("a function comes twice"));
        }
        let is_right = match function.tier {
            Tier::Interpreter => function.code_address == 0 && function.code_bytes == 0,
            Tier::Native(_) => {
                function.code_bytes != 0
                    && snapshot.access_of(function.code_address, function.code_bytes)
                        == Some(Access::ReadExecute)
            }
        };
        if !is_right {
            return Err(Refusal::Malformed("a function's code is not where code is"));
        }
    }
    for import in &snapshot.imports {
        let access = snapshot.access_of(import.address, 8);
        if access.is_none_or(|access| access == Access::ReadExecute) {
            return Err(Refusal::Malformed("an import is not where addresses are"));
        }
    }
    check_allocations(snapshot, pool)?;
    if snapshot
        .anchors
        .iter()
        .any(|anchor| snapshot.access_of(anchor.address, 1).is_none())
    {
        return Err(Refusal::Malformed("an anchor is in no region"));
    }
    Ok(())
}

fn check_allocations(snapshot: &Snapshot, pool: &Range<u64>) -> Result<(), Refusal> {
    let mut free_from = 0;
    for allocation in &snapshot.allocations {
        if allocation.owner == Owner::Outside {
            // It is the last, since no other lies behind the pool.
            let is_right = allocation.address >= pool.end.max(free_from)
                && allocation.access == Access::ReadWrite
                && allocation.size_bytes != 0
                && (allocation.address | allocation.size_bytes).is_multiple_of(PAGE_SIZE_BYTES);
            free_from = allocation
                .address
                .checked_add(allocation.size_bytes)
                .filter(|_| is_right)
                .ok_or(Refusal::Malformed("variables outside are not outside"))?;
            continue;
        }
        let is_right = allocation.address >= free_from
            && allocation.size_bytes != 0
            && snapshot.access_of(allocation.address, allocation.size_bytes)
                == Some(allocation.access);
        if !is_right {
            return Err(Refusal::Malformed(
                "an allocation is not a part of a region of its own",
            ));
        }
        free_from = allocation.address + allocation.size_bytes;
        match allocation.owner {
            Owner::Function(number) if number as usize >= snapshot.functions.len() => {
                return Err(Refusal::Malformed("an allocation belongs to nobody"));
            }
            Owner::Reserved
                if !(allocation.address | allocation.size_bytes)
                    .is_multiple_of(PAGE_SIZE_BYTES) =>
            {
                return Err(Refusal::Malformed(
                    "a reserved allocation is not of whole pages",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
