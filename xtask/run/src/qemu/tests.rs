//! The wrapper against the real emulator, with boot sectors made here.

use std::fs;
use std::io::sink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Boot, Console, Drive, Machine, Processors, Verdict, boot};
use bareflow_build::process::Recorder;

const COM1: u16 = 0x3f8;
const COM2: u16 = 0x2f8;
const COM3: u16 = 0x3e8;
const DEBUG_EXIT: u16 = 0xf4;

/// Real-mode code that writes each byte to its port: `mov dx, port; mov al, byte; out dx, al`.
fn writes(port: u16, bytes: &[u8]) -> Vec<u8> {
    let [low, high] = port.to_le_bytes();
    bytes
        .iter()
        .flat_map(|byte| [0xba, low, high, 0xb0, *byte, 0xee])
        .collect()
}

const JUMP_TO_SELF: &[u8] = &[0xeb, 0xfe];

/// What the machine says with this code in its boot sector: verdict, output and log.
fn run(code: &[&[u8]], timeout_s: u64) -> Option<(Verdict, Vec<u8>, String)> {
    let qemu = Path::new("qemu-system-x86_64");
    if Command::new(qemu).arg("--version").output().is_err() {
        eprintln!("not tested: QEMU is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk,with a comma.img");
    let mut sector = code.concat();
    assert!(sector.len() <= 510);
    sector.resize(510, 0);
    sector.extend([0x55, 0xaa]);
    sector.resize(1 << 20, 0);
    fs::write(&image, sector).unwrap();
    let machine = Machine {
        qemu: qemu.into(),
        memory_mib: 16,
        processors: Processors::default(),
        counts_instructions: false,
        console: Console::default(),
        boot: Boot::Disk(Drive::new(image)),
    };
    let output = Recorder::new(1 << 20, sink());
    let log = Recorder::new(1 << 20, sink());
    let (verdict, _) = boot(
        &machine,
        Duration::from_secs(timeout_s),
        output.clone(),
        log.clone(),
    )
    .unwrap();
    let log = String::from_utf8_lossy(&log.bytes()).into_owned();
    Some((verdict, output.bytes(), log))
}

#[test]
fn output_log_and_report_arrive_apart() {
    let code = [
        writes(COM3, b"out\x00put"),
        writes(COM1, b"booting\n"),
        writes(COM2, b"BAREFLOW-EXIT 7\n"),
        writes(DEBUG_EXIT, &[0x10]),
    ];
    let code: Vec<&[u8]> = code.iter().map(Vec::as_slice).collect();
    let Some((verdict, output, log)) = run(&code, 60) else {
        return;
    };
    assert_eq!(verdict, Verdict::Ended(7), "{log}");
    assert_eq!(output, b"out\0put");
    assert_eq!(log, "booting\n");
}

#[test]
fn a_machine_that_hangs_is_stopped() {
    let report = writes(COM2, b"BAREFLOW-EXIT 0\n");
    if let Some((verdict, ..)) = run(&[&report, JUMP_TO_SELF], 4) {
        assert_eq!(verdict, Verdict::TimedOut);
    }
}

#[test]
fn a_triple_fault_is_a_reset() {
    // cli; lidt [0x7d00], where there are zeros; int3.
    let code = [0xfa, 0x0f, 0x01, 0x1e, 0x00, 0x7d, 0xcc];
    if let Some((verdict, _, log)) = run(&[&code, JUMP_TO_SELF], 60) {
        assert_eq!(verdict, Verdict::Reset, "{log}");
    }
}

#[test]
fn stopping_without_a_report_is_no_success() {
    let exit = writes(DEBUG_EXIT, &[0x10]);
    if let Some((verdict, ..)) = run(&[&exit], 60) {
        assert_eq!(verdict, Verdict::NoReport);
    }
}
