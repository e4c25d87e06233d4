//! What holds for packages whoever makes them, and wherever they come from.
//!
//! Some of it depends on the process: its user, its mask, its environment. Such tests run this program again as their
//! subject, which does what `SUBJECT` says.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice;
use std::time::{Duration, SystemTime};

use bareflow_build::attest::{Signer, Trust, release};
use bareflow_build::error::Error;
use bareflow_build::llvm::{Request, source};
use bareflow_build::packing::{self, Identity, Origin, sides};
use bareflow_build::paths::{Cache, Package};
use bareflow_build::tools::{Installation, Tools, which};
use bareflow_build::{llvm, sdk, store};

/// What a subject is to do.
const SUBJECT: &str = "BAREFLOW_TEST_SUBJECT";
/// The cache that it works in.
const CACHE: &str = "BAREFLOW_TEST_CACHE";
/// Caches that it may read.
const OTHERS: &str = "BAREFLOW_TEST_OTHERS";
/// A user of no account that matters.
const NOBODY: u32 = 65534;

fn identity() -> Identity {
    Identity {
        package: Package::Llvm,
        version: "18.1.8".to_owned(),
        target: "x86_64-unknown-none-elf".to_owned(),
        profile: "full".to_owned(),
        key: "5eed".repeat(16),
    }
}

fn origin() -> Origin {
    Origin {
        source: source::RELEASE.to_owned(),
        toolchain: "clang version 16.0.6".to_owned(),
        flags: vec!["-O2".to_owned()],
        ..Origin::default()
    }
}

/// Files, in an order that locales see differently.
const FILES: &[&str] = &[
    "lib/libLLVMCore.a",
    "lib/libc.a",
    "lib/libc++.a",
    "include/\u{e4}rger.h",
    "include/Zeile.h",
    "include/a b.h",
    "bin/llvm-config",
];

/// How the subject is to make the package.
#[derive(Clone, Copy)]
enum Making {
    /// As everybody.
    Plainly,
    /// The last file first, and with times of long ago.
    Backwards,
    /// With another byte.
    Otherwise,
}

fn publish(cache: &Cache, making: Making) -> PathBuf {
    let fill = |root: &Path| {
        let mut files = FILES.to_vec();
        if matches!(making, Making::Backwards) {
            files.reverse();
        }
        for (age, name) in files.into_iter().enumerate() {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap())?;
            let text = match making {
                Making::Otherwise => "other".to_owned(),
                _ => name.repeat(1000),
            };
            fs::write(&path, text)?;
            if name.starts_with("bin/") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
            }
            if matches!(making, Making::Backwards) {
                let time = SystemTime::UNIX_EPOCH + Duration::from_secs(age as u64 * 1000);
                File::options()
                    .append(true)
                    .open(&path)?
                    .set_modified(time)?;
            }
        }
        Ok(())
    };
    packing::publish(cache, &identity(), origin(), fill).unwrap();
    store::archive(cache, &identity())
}

/// An archive and what lies beside it, without the name of its folder.
fn bytes_of(archive: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![("archive".to_owned(), fs::read(archive).unwrap())];
    for addition in [sides::SHA256, sides::SBOM, sides::PROVENANCE] {
        let bytes = fs::read(sides::beside(archive, addition)).unwrap();
        files.push((addition.to_owned(), bytes));
    }
    files
}

/// What the program does as a subject, if it is one.
#[test]
fn subject() {
    let Some(subject) = env::var_os(SUBJECT) else {
        return;
    };
    let others = env::var_os(OTHERS).unwrap_or_default();
    let others: Vec<PathBuf> = env::split_paths(&others).collect();
    let others: Vec<&Path> = others.iter().map(PathBuf::as_path).collect();
    let cache = Cache::at(Path::new(&env::var_os(CACHE).unwrap()), &others);
    match subject.to_str().unwrap() {
        "plainly" => drop(publish(&cache, Making::Plainly)),
        "backwards" => drop(publish(&cache, Making::Backwards)),
        "otherwise" => drop(publish(&cache, Making::Otherwise)),
        "provide" => {
            let build = || Err(Error::Build("it would be built".to_owned()));
            match store::provide(&cache, &identity(), &Request::default(), build) {
                Ok(_) => println!("\nrestored"),
                Err(error) => println!("\nrefused: {error}"),
            }
        }
        other => panic!("{other}"),
    }
}

/// This program as a subject in a cache.
fn again(program: &Path, subject: &str, cache: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "--nocapture", "subject"])
        .env(SUBJECT, subject)
        .env(CACHE, cache);
    command
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// What is called what, what the subject does, and what else is changed.
type Change<'a> = (&'a str, &'a str, Box<dyn Fn(&mut Command) + 'a>);

#[test]
fn packages_are_equal_over_paths_users_processors_locales_times_and_masks() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Another user may not read the folder of the build.
    let program = folder.path().join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();

    let make = |subject: &str, name: &str, change: &dyn Fn(&mut Command)| {
        let cache = folder.path().join(name);
        fs::create_dir(&cache).unwrap();
        let mut command = again(&program, subject, &cache);
        change(&mut command);
        succeed(&mut command);
        bytes_of(&store::archive(&Cache::at(&cache, &[]), &identity()))
    };
    let expected = make("plainly", "plain", &|_| {});
    let wrapped = |command: &mut Command, words: &[&str]| {
        let mut wrapper = Command::new(words[0]);
        wrapper
            .args(&words[1..])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            wrapper.env(name, value.unwrap());
        }
        *command = wrapper;
    };
    let mask = |mask: &str| format!("umask {mask}; exec \"$@\"");
    let (strict, loose) = (mask("077"), mask("000"));
    let masked =
        |command: &mut Command, script: &str| wrapped(command, &["sh", "-c", script, "sh"]);
    let mut changes: Vec<Change> = vec![
        ("a path", "plainly", Box::new(|_| {})),
        (
            "a much longer path, with spaces",
            "plainly",
            Box::new(|_| {}),
        ),
        ("times and order", "backwards", Box::new(|_| {})),
        (
            "a strict mask",
            "plainly",
            Box::new(|command| masked(command, &strict)),
        ),
        (
            "a loose mask",
            "plainly",
            Box::new(|command| masked(command, &loose)),
        ),
    ];
    for (name, value) in [
        ("LC_ALL", "tr_TR.UTF-8"),
        ("LC_ALL", "C"),
        ("TZ", "Asia/Kathmandu"),
        ("HOME", "/nonexistent"),
        ("SOURCE_DATE_EPOCH", "1234567890"),
    ] {
        changes.push((
            value,
            "plainly",
            Box::new(move |command| {
                command.env(name, value);
            }),
        ));
    }
    if which("taskset").is_some() {
        changes.push((
            "one processor",
            "plainly",
            Box::new(|command| wrapped(command, &["taskset", "--cpu-list", "0"])),
        ));
    } else {
        println!("skipped: one processor alone, as there is no taskset");
    }
    if nix::unistd::geteuid().is_root() {
        changes.push((
            "another user",
            "plainly",
            Box::new(|command| {
                let cache = command
                    .get_envs()
                    .find(|(name, _)| *name == CACHE)
                    .and_then(|(_, value)| value.map(PathBuf::from))
                    .unwrap();
                chown(cache, Some(NOBODY), Some(NOBODY)).unwrap();
                command.uid(NOBODY).gid(NOBODY).current_dir("/");
            }),
        ));
    } else {
        println!("skipped: another user, as this one is not root");
    }
    for (name, subject, change) in &changes {
        let name = name.replace('/', "_");
        let found = make(subject, &name, change);
        for ((what, expected), (_, found)) in expected.iter().zip(&found) {
            assert!(expected == found, "{what} differs with {name}");
        }
    }
    // Other contents are seen in all of them.
    let other = make("otherwise", "other contents", &|_| {});
    for ((what, expected), (_, found)) in expected.iter().zip(&other) {
        assert!(expected != found, "{what} is the same with other contents");
    }
}

#[test]
fn a_release_has_all_that_lies_beside_its_archives() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path(), &[]);
    let published = publish(&cache, Making::Plainly);
    let package = store::folder(&cache, &identity());
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, pair.sk.to_box(None).unwrap().into_string()).unwrap();
    let signer = Signer::from_file(&secret, None).unwrap();

    let out = folder.path().join("release");
    let archives = release::gather(slice::from_ref(&package), &out, Some(&signer)).unwrap();
    assert_eq!(archives.len(), 1);
    assert_eq!(bytes_of(&archives[0]), bytes_of(&published));
    let trust = Trust::parse(&pair.pk.to_base64()).unwrap();
    trust.check(&archives[0]).unwrap();
    for addition in [sides::SBOM, sides::PROVENANCE] {
        trust.check(&sides::beside(&archives[0], addition)).unwrap();
    }

    fs::write(package.join("lib/libc.a"), "damaged").unwrap();
    let error = release::gather(&[package], &out, None).unwrap_err();
    assert_eq!(error.exit_code(), 103);
}

#[test]
fn with_a_key_only_what_is_signed_is_taken_from_other_caches() {
    let folder = tempfile::tempdir().unwrap();
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, pair.sk.to_box(None).unwrap().into_string()).unwrap();
    let key = pair.pk.to_base64();
    let other = folder.path().join("other");
    let signed = folder.path().join("signed");
    for cache in [&other, &signed] {
        publish(&Cache::at(cache, &[]), Making::Plainly);
    }
    let archive = |cache: &Path| store::archive(&Cache::at(cache, &[]), &identity());
    Signer::from_file(&secret, None)
        .unwrap()
        .sign(&archive(&signed))
        .unwrap();

    let program = env::current_exe().unwrap();
    let provide = |name: &str, key: &str, others: &[&Path]| {
        let cache = folder.path().join(name);
        fs::create_dir(&cache).unwrap();
        succeed(
            again(&program, "provide", &cache)
                .env("BAREFLOW_PUBLIC_KEY", key)
                .env(OTHERS, env::join_paths(others).unwrap()),
        )
    };
    assert!(provide("no key", "", &[&other]).contains("\nrestored"));
    let text = provide("unsigned", &key, &[&other]);
    assert!(text.contains("is refused: its signature"), "{text}");
    assert!(text.contains("\nrefused: it would be built"), "{text}");
    let text = provide("the next", &key, &[&other, &signed]);
    assert!(text.contains("is refused: its signature"), "{text}");
    assert!(text.contains("\nrestored"), "{text}");
    // One bit of the archive: it is not unpacked to find that out.
    let mut bytes = fs::read(archive(&signed)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(archive(&signed), bytes).unwrap();
    let text = provide("damaged", &key, &[&signed]);
    assert!(text.contains("its signature is not good"), "{text}");
    assert!(!text.contains("restoring"), "{text}");
    let text = provide("no such key", "nonsense", &[&signed]);
    assert!(text.contains("neither a public key"), "{text}");
}

#[test]
fn a_validator_accepts_the_list_of_parts() {
    let Some(validator) = which("pyspdxtools") else {
        println!("skipped: there is no pyspdxtools (of the Python package spdx-tools)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let archive = publish(&Cache::at(folder.path(), &[]), Making::Plainly);
    let list = sides::beside(&archive, sides::SBOM);
    let validate = |list: &Path| {
        let mut command = Command::new(&validator);
        command
            .args(["--version", "SPDX-2.3", "--infile"])
            .arg(list);
        command.output().unwrap()
    };
    let output = validate(&list);
    let text = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&text)
    );
    // It does look at it.
    let text = fs::read_to_string(&list).unwrap();
    let wrong = folder.path().join("wrong.spdx.json");
    fs::write(
        &wrong,
        text.replace("LLVM-exception", "no-exception-at-all"),
    )
    .unwrap();
    assert!(!validate(&wrong).status.success());
}

#[test]
#[ignore = "builds the SDK twice, which takes minutes: cargo test -p bareflow-build --test packages -- --ignored"]
fn the_sdk_is_equal_in_two_caches() {
    let tools = Tools::find(Installation::Forbidden).unwrap();
    let request = Request::default();
    let distribution = llvm::distribution(&Cache::find().unwrap(), &tools, &request).unwrap();
    let archives = ["first", "another one, further away"].map(|name| {
        let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let cache = Cache::at(folder.path(), &[]);
        let package = sdk::provide(&cache, &tools, &distribution, &request).unwrap();
        let manifest = store::manifest_of(&package).unwrap();
        bytes_of(&store::archive(&cache, &manifest.identity()))
    });
    assert!(archives[0] == archives[1], "the two packages differ");
}
