//! Writing a snapshot.

use alloc::vec::Vec;

use bareflow_tier_policy::{Kind, TABLE};

use crate::model::{Access, Authentication, Function, Owner, Region, Snapshot};
use crate::profile::Profile;
use crate::wire::{
    CHECKSUM_BYTES, HEADER_BYTES, KEYED_BLAKE3, MAGIC, NOT_AUTHENTICATED, OWNER_DATA, OWNER_KEPT,
    OWNER_OUTSIDE, OWNER_RESERVED, SIZE_OFFSET, Section, TAG_BYTES, VERSION, Writer,
};

/// The bytes of a snapshot.
///
/// What [`decode`](crate::decode) would call malformed is written as it is.
#[must_use]
pub fn encode(snapshot: &Snapshot, authentication: Authentication) -> Vec<u8> {
    let regions = snapshot.code.iter().chain(&snapshot.data);
    let pool_bytes: usize = regions.map(|region| region.bytes.len()).sum();
    let mut writer = Writer {
        bytes: Vec::with_capacity(pool_bytes + 64 * snapshot.functions.len() + 4096),
    };
    let (kind, tag_bytes) = match authentication {
        Authentication::None => (NOT_AUTHENTICATED, 0),
        Authentication::Keyed(_) => (KEYED_BLAKE3, TAG_BYTES),
    };
    writer.put(&MAGIC);
    writer.u16(VERSION);
    writer.u16(kind);
    writer.u64(0);
    debug_assert_eq!(writer.bytes.len(), HEADER_BYTES);

    writer.section(Section::Keys, |writer| {
        let keys = &snapshot.keys;
        writer.put(&keys.kernel_build_id);
        writer.put(&keys.program_hash);
        writer.text(keys.cpu_features);
        writer.text(keys.llvm_version);
        writer.text(keys.configuration);
    });
    writer.section(Section::Levels, |writer| {
        writer.count(TABLE.len());
        for row in &TABLE {
            writer.text(row.name);
            writer.text(row.generator.name());
            writer.u8(row.optimisation);
        }
    });
    writer.section(Section::Functions, |writer| {
        writer.count(snapshot.functions.len());
        for function in &snapshot.functions {
            put_function(writer, function);
        }
    });
    writer.section(Section::Imports, |writer| {
        writer.count(snapshot.imports.len());
        for import in &snapshot.imports {
            writer.u64(import.address);
            writer.text(import.name);
        }
    });
    writer.section(Section::Allocations, |writer| {
        writer.count(snapshot.allocations.len());
        for allocation in &snapshot.allocations {
            writer.u64(allocation.address);
            writer.u64(allocation.size_bytes);
            writer.u32(access_bits(allocation.access));
            writer.u32(match allocation.owner {
                Owner::Function(number) => number,
                Owner::Kept => OWNER_KEPT,
                Owner::Data => OWNER_DATA,
                Owner::Reserved => OWNER_RESERVED,
                Owner::Outside => OWNER_OUTSIDE,
            });
        }
    });
    writer.section(Section::Places, |writer| {
        writer.count(snapshot.anchors.len());
        for anchor in &snapshot.anchors {
            writer.u8(anchor.kind as u8);
            writer.u64(anchor.address);
            writer.text(anchor.name);
        }
    });
    writer.section(Section::Code, |writer| put_regions(writer, &snapshot.code));
    writer.section(Section::Data, |writer| put_regions(writer, &snapshot.data));
    writer.section(Section::Profile, |writer| {
        put_profile(writer, &snapshot.profile);
    });

    let mut bytes = writer.bytes;
    let size = (bytes.len() + tag_bytes + CHECKSUM_BYTES) as u64;
    bytes[SIZE_OFFSET..HEADER_BYTES].copy_from_slice(&size.to_le_bytes());
    if let Authentication::Keyed(secret) = authentication {
        let tag = blake3::keyed_hash(secret, &bytes);
        bytes.extend_from_slice(tag.as_bytes());
    }
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

fn put_function(writer: &mut Writer, function: &Function) {
    writer.u8(match function.kind {
        Kind::Function => 0,
        Kind::Loop => 1,
    });
    writer.u8(function.tier.index() as u8);
    let levels = function.tried.iter().enumerate();
    writer.u32(levels.fold(0, |bits, (index, tried)| bits | u32::from(*tried) << index));
    writer.u8(function.loops.map_or(0, |level| 1 + level.index() as u8));
    writer.text(function.name);
    writer.u64(function.calls);
    let cycles = function.cycles;
    writer.u64(cycles.map_or(0, |cycles| cycles.calls));
    writer.u64(cycles.map_or(0, |cycles| cycles.total));
    writer.u64(cycles.map_or(0, |cycles| cycles.least));
    writer.u64(cycles.map_or(0, |cycles| cycles.most));
    writer.u64(function.code_address);
    writer.u64(function.code_bytes);
    writer.u64(function.seen_address);
    writer.count(function.seen.len());
    writer.put(function.seen);
}

fn access_bits(access: Access) -> u32 {
    match access {
        Access::Read => 1,
        Access::ReadWrite => 3,
        Access::ReadExecute => 5,
    }
}

fn put_regions(writer: &mut Writer, regions: &[Region]) {
    writer.count(regions.len());
    for region in regions {
        writer.u64(region.address);
        writer.u64(region.size_bytes);
        writer.u64(region.bytes.len() as u64);
        writer.u32(access_bits(region.access));
    }
    for region in regions {
        writer.put(region.bytes);
    }
}

fn put_profile(writer: &mut Writer, profile: &Profile) {
    writer.u64(profile.boots);
    writer.u64(profile.total_cycles);
    writer.u64(profile.compile_cycles);
    writer.u64(profile.samples_per_second);
    writer.count(profile.samples.len());
    for sample in &profile.samples {
        writer.u8(sample.part as u8);
        writer.text(sample.symbol);
        writer.u64(sample.count);
    }
    writer.count(profile.learnt.len());
    for thousandths in profile.learnt {
        writer.u32(thousandths);
    }
}
