//! Snapshots that must not be used: each with its reason, and the older one in its place.

use std::ops::Range;

use super::machine::{Machine, Remembered};
use super::{COUNTING, Check, SAMPLE};
use crate::subject::Subject;
use bareflow_build::kernel::{KernelKind, LlvmExtent};

pub const CASES: &[(&str, Check)] = &[
    ("another_program", check_another_program),
    ("other_settings", check_other_settings),
    ("another_kernel", check_another_kernel),
    ("damage", check_damage),
    ("flipped_bits", check_flipped_bits),
    ("secret", check_secret),
];

/// Another program than [`SAMPLE`].
const OTHER: &str = "#include <stdio.h>\nint main(void) { puts(\"other\"); return 0; }\n";

const NEWEST: &str = "boot_002.snap";
/// Where the fields of the header are.
const MAGIC: Range<usize> = 0..4;
const VERSION: Range<usize> = 4..6;
const SIZE: Range<usize> = 8..16;

/// A machine whose disk has two snapshots of the program, and no counts.
pub fn with_two_snapshots<'a>(
    subject: &'a Subject,
    program: &Remembered,
) -> Result<Machine<'a>, String> {
    let mut machine = Machine::new(subject, &["snapshot-every=-"])?;
    machine.boot_and_save(program)?;
    machine.boot_and_save(program)?.expect_restored(1)?;
    Ok(machine)
}

/// Boots with these bytes as the newest snapshot: they must be refused for this reason, and the older one used.
pub fn expect_refusal(
    machine: &Machine,
    program: &Remembered,
    bytes: &[u8],
    reason: &str,
) -> Result<(), String> {
    machine.disk.replace(NEWEST, bytes)?;
    let booted = machine.boot(program)?;
    booted.expect_notes(&[
        &format!("{NEWEST} is refused: {reason}"),
        "boot 2: from snapshot 1, nothing new",
    ])?;
    booted.expect_restored(1)
}

fn check_another_program(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let other = Remembered::build(subject, OTHER)?;
    let machine = Machine::new(subject, COUNTING)?;
    machine.boot(&program)?;
    const REFUSED: &str = "is refused: it was made for another program";
    machine.boot(&other)?.expect_notes(&[
        &format!("boot_001.snap {REFUSED}"),
        "boot 1: without a snapshot, saved as snapshot 2",
    ])?;
    let booted = machine.boot(&program)?;
    booted.expect_notes(&[
        &format!("boot_002.snap {REFUSED}"),
        "boot 2: from snapshot 1",
    ])?;
    booted.expect_restored(1)?;
    let booted = machine.boot(&other)?;
    // The other program's counts are in the way of nothing.
    booted.expect_notes(&[
        &format!("counts_001.snap {REFUSED}"),
        "boot 2: from snapshot 2, nothing new",
    ])?;
    booted.expect_restored(2)
}

fn check_other_settings(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &[])?;
    machine.boot(&program)?;
    // These matter to no code.
    let harmless = ["calls=5,6,7,8", "settle-ms=1", "snapshot-keep=3"];
    machine.options.settings.extend(harmless.map(String::from));
    machine.boot(&program)?.expect_restored(1)?;
    machine.options.settings.push("pool-mib=16".into());
    machine.boot(&program)?.expect_notes(&[
        "boot_001.snap is refused: it was made for other settings",
        "boot 1: without a snapshot, saved as snapshot 2",
    ])?;
    machine.boot(&program)?.expect_restored(2)
}

fn check_another_kernel(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let mut machine = Machine::new(subject, &[])?;
    machine.boot(&program)?;
    let builder = subject.context.kernel_builder();
    let small = builder.build(KernelKind::Hosted, LlvmExtent::Jit);
    let full = std::mem::replace(
        &mut machine.kernel,
        small.map_err(|error| error.to_string())?,
    );
    const REFUSED: &str = "is refused: it was made for another kernel";
    machine.boot(&program)?.expect_notes(&[
        &format!("boot_001.snap {REFUSED}"),
        "boot 1: without a snapshot, saved as snapshot 2",
    ])?;
    machine.boot(&program)?.expect_restored(2)?;
    machine.kernel = full;
    let booted = machine.boot(&program)?;
    booted.expect_notes(&[
        &format!("boot_002.snap {REFUSED}"),
        "boot 2: from snapshot 1, nothing new",
    ])?;
    booted.expect_restored(1)
}

fn check_damage(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = with_two_snapshots(subject, &program)?;
    let good = machine.disk.read(NEWEST)?;
    let size = good.len();
    let with = |range: Range<usize>, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[range].copy_from_slice(bytes);
        changed
    };
    let longer = [&good[..], &[0]].concat();
    let cases = [
        (Vec::new(), "it is not a snapshot".to_owned()),
        (good[..3].to_vec(), "it is not a snapshot".to_owned()),
        (
            good[..4].to_vec(),
            "it has 4 bytes instead of 48".to_owned(),
        ),
        (
            good[..size / 2].to_vec(),
            format!("it has {} bytes instead of {size}", size / 2),
        ),
        (
            good[..size - 1].to_vec(),
            format!("it has {} bytes instead of {size}", size - 1),
        ),
        (
            longer,
            format!("it has {} bytes instead of {size}", size + 1),
        ),
        (with(MAGIC, b"SNAQ"), "it is not a snapshot".to_owned()),
        (
            with(VERSION, &9_u16.to_le_bytes()),
            "it has version 9 of the layout".to_owned(),
        ),
        (
            with(SIZE, &u64::MAX.to_le_bytes()),
            format!("it has {size} bytes instead of {}", u64::MAX),
        ),
        (
            with(size - 1..size, &[!good[size - 1]]),
            "its checksum is wrong".to_owned(),
        ),
    ];
    for (bytes, reason) in &cases {
        expect_refusal(&machine, &program, bytes, reason)?;
    }
    machine.disk.replace(NEWEST, &good)?;
    machine.boot(&program)?.expect_restored(2)
}

fn check_flipped_bits(subject: &Subject) -> Result<(), String> {
    const COUNT: usize = 200;
    let program = Remembered::build(subject, SAMPLE)?;
    let machine = with_two_snapshots(subject, &program)?;
    let good = machine.disk.read(NEWEST)?;
    let mut state = 1_u64;
    for _ in 0..COUNT {
        // Knuth's MMIX generator; its upper bits are the random ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bit = (state >> 20) as usize % (good.len() * 8);
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        expect_refusal(&machine, &program, &bytes, &reason_at(bit / 8, &bytes))
            .map_err(|error| format!("bit {bit}: {error}"))?;
    }
    Ok(())
}

/// Why a snapshot is refused when this byte of it was changed.
fn reason_at(offset: usize, bytes: &[u8]) -> String {
    let number = |range: Range<usize>| {
        let field = bytes[range].iter().rev();
        field.fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    if MAGIC.contains(&offset) {
        "it is not a snapshot".into()
    } else if VERSION.contains(&offset) {
        format!("it has version {} of the layout", number(VERSION))
    } else if SIZE.contains(&offset) {
        format!("it has {} bytes instead of {}", bytes.len(), number(SIZE))
    } else {
        "its checksum is wrong".into()
    }
}

fn check_secret(subject: &Subject) -> Result<(), String> {
    let program = Remembered::build(subject, SAMPLE)?;
    let settings = [COUNTING, &["snapshot-every=-"]].concat();
    let mut machine = Machine::new(subject, &settings)?;
    machine.boot_and_save(&program)?;

    machine.options.secret = Some([1; 32]);
    machine.boot_and_save(&program)?.expect_notes(&[
        "boot_001.snap is refused: it is not authenticated, and this image demands it",
        "boot 1: without a snapshot, saved as snapshot 2",
    ])?;
    machine.boot(&program)?.expect_restored(2)?;

    machine.options.secret = Some([2; 32]);
    machine.boot(&program)?.expect_notes(&[
        "boot_002.snap is refused: it was not written with this image's secret",
        "boot_001.snap is refused: it is not authenticated, and this image demands it",
        "counts_001.snap is refused: it was not written with this image's secret",
        "boot 1: without a snapshot",
    ])?;

    // Without a secret nobody looks who has written it.
    machine.options.secret = None;
    machine.boot(&program)?.expect_restored(2)
}
