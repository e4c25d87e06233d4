//! Files of programs that stay: `/data` hosted and in the machine, over runs, boots and power cuts, and
//! `cargo xtask disk`, which exchanges them.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::runner::{Check, Test};
use super::subject::{self, Subject};
use super::volume::check_file_system;
use bareflow_build::process::Recorder;
use bareflow_image::program::{Program, Tier};
use bareflow_run::qemu::{self, Boot, Drive, Verdict};

const FIXTURES: &str = "tests/fixtures/files";
const SIZE_BYTES: u64 = 128 << 20;
const TIMEOUT: Duration = Duration::from_secs(240);
const RECORD_LIMIT_BYTES: usize = 1 << 16;
/// Machines that are killed while their program writes.
const KILLS: u32 = 6;

/// The tests of files.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 4] = [
        ("hosted", hosted),
        ("machine", machine),
        ("kills", kills),
        ("refused", refused),
    ];
    Test::of_checks("files", subject, &checks)
}

fn fixture(subject: &Subject, name: &str) -> PathBuf {
    subject.context.root.join(FIXTURES).join(name)
}

fn xtask(arguments: &[&str]) -> Result<Output, String> {
    let program = subject::xtask().map_err(|error| error.to_string())?;
    let output = Command::new(program).args(arguments).output();
    output.map_err(|error| error.to_string())
}

/// Runs `cargo xtask`, which must print this.
fn expect(arguments: &[&str], status: i32, expected: &str) -> Result<(), String> {
    let output = xtask(arguments)?;
    let text = match status {
        0 => String::from_utf8_lossy(&output.stdout),
        _ => String::from_utf8_lossy(&output.stderr),
    };
    if output.status.code() == Some(status) && text.contains(expected) {
        return Ok(());
    }
    Err(format!(
        "{arguments:?}: {} instead of {status} with {expected:?}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn hosted(subject: &Subject) -> Result<(), String> {
    let disk = subject.fresh_path("files.img");
    let disk_name = disk.to_string_lossy().into_owned();
    let program = fixture(subject, "keep.c").to_string_lossy().into_owned();
    let run = ["run", "--hosted", "--disk", &disk_name, &program];
    expect(&run, 0, "run 1\n")?;
    check_file_system(&disk, &subject.fresh_path("files.fat"))?;
    expect(&run, 0, "run 2\n")?;
    check_file_system(&disk, &subject.fresh_path("files.fat"))?;
    exchange(&disk_name, &subject.fresh_path("exchange"))?;
    check_file_system(&disk, &subject.fresh_path("files.fat"))?;
    expect(&run, 0, "run 3\n")
}

/// Files go to the disk and come back, and what cannot be is refused.
fn exchange(disk: &str, folder: &Path) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    fs::create_dir_all(folder.join("tree/inner")).map_err(text)?;
    let contents: Vec<u8> = (0..3_000_000_u32)
        .map(|number| (number >> 3) as u8)
        .collect();
    fs::write(folder.join("tree/inner/a long name.bin"), &contents).map_err(text)?;
    fs::write(folder.join("tree/empty"), "").map_err(text)?;
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (tree, back, log) = (path("tree"), path("back"), path("log"));

    expect(&["disk", "put", disk, &tree, "/data/folder/tree"], 0, "")?;
    expect(
        &["disk", "ls", disk, "/data"],
        0,
        "/data/folder/tree/inner/a long name.bin\n",
    )?;
    expect(&["disk", "get", disk, "/data/folder/tree", &back], 0, "")?;
    let came_back = fs::read(folder.join("back/inner/a long name.bin")).map_err(text)?;
    if came_back != contents || !folder.join("back/empty").is_file() {
        return Err("what came back is not what was put".into());
    }
    expect(&["disk", "get", disk, "/data/log", &log], 0, "")?;
    if fs::read(&log).map_err(text)? != b"run 1\nrun 2\n" {
        return Err("the log of two runs has something else".into());
    }
    let huge = folder.join("huge");
    let file = fs::File::create(&huge).map_err(text)?;
    file.set_len(300 << 20).map_err(text)?;
    let huge = huge.to_string_lossy().into_owned();
    for (arguments, status, message) in [
        (
            vec!["put", disk, &tree, "/data/folder/tree"],
            105,
            "is there already",
        ),
        (
            vec!["get", disk, "/data/log", &log],
            105,
            "is there already",
        ),
        (
            vec!["get", disk, "/data/none"],
            105,
            "no such file or folder",
        ),
        (vec!["get", disk, "/data/../boot"], 105, "have no '..'"),
        (vec!["put", disk, &log, "/boot/x"], 105, "below /data"),
        (vec!["put", disk, &log, "/data/log/x"], 105, "not a folder"),
        (vec!["put", disk, &tree, "/data/log"], 105, "not a folder"),
        (vec!["put", disk, &huge], 102, "the volume is full"),
        (vec!["ls", &log], 105, "the disk fails"),
        (vec!["put", disk, "/no/such/file"], 100, "cannot read"),
    ] {
        expect(&[vec!["disk"], arguments].concat(), status, message)?;
    }
    expect(
        &["disk", "put", "--force", disk, &tree, "/data/folder/tree"],
        0,
        "",
    )
}

/// What cannot come along, or would be destroyed, is named at once, and nothing is written.
fn refused(subject: &Subject) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let folder = subject.fresh_path("refused");
    fs::create_dir_all(folder.join("root/inner")).map_err(text)?;
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let huge = fs::File::create(folder.join("root/inner/huge")).map_err(text)?;
    huge.set_len(700 << 20).map_err(text)?;
    symlink("/etc/passwd", folder.join("outside")).map_err(text)?;
    fs::create_dir(folder.join("links")).map_err(text)?;
    symlink("../outside", folder.join("links/link")).map_err(text)?;
    fs::write(folder.join("data"), "the user's").map_err(text)?;
    let program = fixture(subject, "keep.c").to_string_lossy().into_owned();
    let (out, data, root, links) = (path("out"), path("data"), path("root"), path("links"));
    let (folded, climbing) = (format!("{data}:/a/b"), format!("{data}:../x"));
    let (first, missing) = (format!("{data}:/a"), path("none"));
    for (arguments, status, message) in [
        (vec!["--root", &root], 100, "is too small: at least"),
        (vec!["--size", "1M"], 100, "is too small: at least"),
        (vec!["--root", &data], 105, "not a folder"),
        (vec!["--root", &missing], 105, "No such file"),
        (vec!["--root", &links], 105, "leads out of"),
        (vec!["--file", &root], 105, "not a regular file"),
        (vec!["--file", &missing], 105, "No such file"),
        (vec!["--file", &climbing], 105, "without '..'"),
        (vec!["--file", &first, "--file", &folded], 105, "folder"),
    ] {
        let command = [vec!["image", "--out", &out], arguments, vec![&program]].concat();
        expect(&command, status, message)?;
    }
    for command in [
        ["image", "--out", &data, "--file", &data, &program],
        ["export", "--out", &data, "--file", &data, &program],
        ["run", "--profile", &data, "--stdin", &data, &program],
    ] {
        expect(&command, 105, "files that are read")?;
    }
    let image = image_of(subject, "keep.c")?;
    let file = fs::File::options().write(true).open(&image);
    file.and_then(|file| file.set_len(40_000)).map_err(text)?;
    let image = image.to_string_lossy().into_owned();
    expect(&["run", "--image", &image], 100, "it is cut")?;
    let is_kept = fs::read(&data).map_err(text)? == b"the user's";
    let is_nothing_left = fs::read_dir(&folder).map_err(text)?.count() == 4;
    match is_kept && is_nothing_left {
        true => Ok(()),
        false => Err("something was written".into()),
    }
}

fn image_of(subject: &Subject, name: &str) -> Result<PathBuf, String> {
    let program = Program::build(&[fixture(subject, name)], &subject.compiler)
        .map_err(|error| error.to_string())?;
    let image = subject.fresh_path("files-machine.img");
    subject.write_image(&image, &program.bundle(&[], Tier::Auto), SIZE_BYTES)?;
    Ok(image)
}

/// Boots an image, and kills the machine after so long.
fn boot(subject: &Subject, image: &Path, lifetime: Duration) -> Result<(Verdict, String), String> {
    let machine = subject.emulated(Boot::Disk(Drive::new(image)), None);
    let log = Recorder::new(RECORD_LIMIT_BYTES, io::sink());
    let output = Recorder::new(RECORD_LIMIT_BYTES, log.clone());
    let (verdict, _) =
        qemu::boot(&machine, lifetime, output, log.clone()).map_err(|error| error.to_string())?;
    Ok((verdict, String::from_utf8_lossy(&log.bytes()).into_owned()))
}

fn boot_whole(subject: &Subject, image: &Path, expected: &str) -> Result<String, String> {
    let (verdict, log) = boot(subject, image, TIMEOUT)?;
    if verdict != Verdict::Ended(0) || !log.contains(expected) {
        return Err(format!("{verdict} without {expected:?}\n{log}"));
    }
    check_file_system(image, &subject.fresh_path("files-machine.fat"))?;
    Ok(log)
}

fn machine(subject: &Subject) -> Result<(), String> {
    let image = image_of(subject, "keep.c")?;
    for number in 1..=2 {
        boot_whole(subject, &image, &format!("run {number}\n"))?;
    }
    let name = image.to_string_lossy().into_owned();
    let big = subject.fresh_path("big");
    let big_name = big.to_string_lossy().into_owned();
    expect(
        &["disk", "get", &name, "/data/folder/big", &big_name],
        0,
        "",
    )?;
    let bytes = fs::read(&big).map_err(|error| error.to_string())?;
    let is_right = bytes.len() == 300_000
        && bytes.starts_with(b"ZaaaaaaMa")
        && bytes[59_999] == b'a'
        && bytes[299_999] == b'e';
    if is_right {
        Ok(())
    } else {
        Err("what two boots have left in /data/folder/big is wrong".into())
    }
}

fn kills(subject: &Subject) -> Result<(), String> {
    let image = image_of(subject, "journal.c")?;
    boot_whole(subject, &image, "in order")?;
    // The first boot compiles what later ones have in a snapshot.
    let start = Instant::now();
    boot_whole(subject, &image, "in order")?;
    let mut whole = start.elapsed();
    let mut killed = 0;
    for attempt in 0..4 * KILLS {
        if killed == KILLS {
            return Ok(());
        }
        let part = 0.4 + 0.6 * f64::from(attempt % KILLS) / f64::from(KILLS);
        let (verdict, _) = boot(subject, &image, whole.mul_f64(part))?;
        if verdict == Verdict::TimedOut {
            killed += 1;
        } else {
            // Boots have become faster, or the host is less busy.
            whole = whole.mul_f64(0.8);
        }
        boot_whole(subject, &image, "in order")
            .map_err(|error| format!("after a power cut at {part:.2} of a boot: {error}"))?;
    }
    Err(format!("only {killed} machines could be killed"))
}
