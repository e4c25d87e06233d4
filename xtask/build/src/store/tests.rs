use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bareflow_targets::DEFAULT;
use tempfile::TempDir;

use super::*;
use crate::packing::tests::{fill, identity};
use crate::packing::{MANIFEST, Origin, archive::compress, publish};

/// A cache with one package.
fn with_package(read_only: &[&Path]) -> (TempDir, Cache, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let cache = Cache::at(root.path(), read_only);
    let folder = publish(&cache, &identity('k'), Origin::default(), fill).unwrap();
    (root, cache, folder)
}

fn request() -> Request {
    Request::default()
}

/// What a build that must not happen does.
fn no_build() -> Result<PathBuf> {
    panic!("it is built");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The folder of a published package, its archive, and what lies beside that, in the order of their names.
fn names_of(identity: &Identity) -> Vec<String> {
    let name = identity.name();
    let additions = ["", ".intoto.jsonl", ".sha256", ".spdx.json"];
    let files = additions.map(|addition| format!("{name}.tar.zst{addition}"));
    std::iter::once(name).chain(files).collect()
}

/// Puts a flipped bit into the middle of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_published_package_is_whole_and_has_its_hash_beside_it() {
    let (_root, cache, folder) = with_package(&[]);
    assert_eq!(verify(&cache).unwrap(), Vec::<String>::new());
    let published = names_of(&identity('k'));
    assert_eq!(names(&cache.distributions()), published);
    let request = request();
    let found = provide(&cache, &identity('k'), &request, no_build).unwrap();
    assert_eq!(found, folder);
}

#[test]
fn one_flipped_bit_in_any_file_or_archive_is_found() {
    let (_root, cache, folder) = with_package(&[]);
    let archive = archive(&cache, &identity('k'));
    let mut files: Vec<_> = WalkDir::new(&folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file() && entry.metadata().unwrap().len() > 0)
        .map(|entry| entry.path().to_owned())
        .collect();
    files.extend([archive.clone(), sides::beside(&archive, sides::SHA256)]);
    assert_eq!(files.len(), 7);
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let whole = fs::metadata(&path).unwrap().permissions();
        // In the manifest, bits of the words that only people read are its own business.
        if !path.ends_with(MANIFEST) {
            damage(&path);
            assert_eq!(verify(&cache).unwrap().len(), 1, "{}", path.display());
        }
        fs::write(&path, "").unwrap();
        assert!(!verify(&cache).unwrap().is_empty(), "{}", path.display());
        fs::remove_file(&path).unwrap();
        let is_optional = path.to_string_lossy().ends_with(sides::SHA256);
        let is_archive = path == archive;
        assert_eq!(
            verify(&cache).unwrap().is_empty(),
            is_optional || is_archive,
            "{}",
            path.display()
        );
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, whole).unwrap();
        assert_eq!(verify(&cache).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn another_package_under_this_name_is_found() {
    let (_root, cache, folder) = with_package(&[]);
    let other = cache.distributions().join(identity('x').name());
    fs::rename(&folder, &other).unwrap();
    let problems = verify(&cache).unwrap();
    assert!(
        problems.len() == 1 && problems[0].contains(&format!("it is {}", identity('k').name())),
        "{problems:?}"
    );
    assert_eq!(find(&cache, &identity('x'), Contents::Sized).unwrap(), None);
    assert!(sides::beside(&other, partial::DAMAGED).is_dir());
}

#[test]
fn a_damaged_folder_is_set_aside_and_restored() {
    type Damage = (&'static str, fn(&Path));
    let damages: &[Damage] = &[
        ("without libc.a", |folder| {
            fs::remove_file(folder.join("lib/libA.a")).unwrap();
        }),
        ("without a manifest", |folder| {
            fs::remove_file(folder.join(MANIFEST)).unwrap();
        }),
        ("with half a manifest", |folder| {
            fs::write(folder.join(MANIFEST), "{").unwrap();
        }),
        ("with an empty header", |folder| {
            fs::write(folder.join("include/a b.h"), "").unwrap();
        }),
    ];
    let (_root, cache, folder) = with_package(&[]);
    for (what, damage) in damages {
        damage(&folder);
        let restored = provide(&cache, &identity('k'), &request(), no_build).unwrap();
        assert_eq!(restored, folder, "{what}");
        assert!(check_folder(&folder, Contents::Hashed).is_ok(), "{what}");
        assert!(sides::beside(&folder, partial::DAMAGED).is_dir(), "{what}");
    }
}

#[test]
fn bytes_are_compared_on_demand() {
    let (_root, cache, folder) = with_package(&[]);
    damage(&folder.join("lib/libA.a"));
    let damaged = fs::read(folder.join("lib/libA.a")).unwrap();
    let read = || fs::read(folder.join("lib/libA.a")).unwrap();
    provide(&cache, &identity('k'), &request(), no_build).unwrap();
    assert_eq!(read(), damaged);
    let request = Request {
        verify: true,
        ..request()
    };
    provide(&cache, &identity('k'), &request, no_build).unwrap();
    assert_eq!(read(), b"archive");
}

#[test]
fn damaged_archives_are_passed_over_until_one_is_whole() {
    let (maker_root, maker, _) = with_package(&[]);
    let good = archive(&maker, &identity('k'));
    let name = good.file_name().unwrap();
    let damaged = tempfile::tempdir().unwrap();
    let truncated = tempfile::tempdir().unwrap();
    let wrong_hash = tempfile::tempdir().unwrap();
    for folder in [&damaged, &truncated, &wrong_hash] {
        fs::copy(&good, folder.path().join(name)).unwrap();
    }
    damage(&damaged.path().join(name));
    let half = fs::metadata(&good).unwrap().len() / 2;
    let file = File::options()
        .write(true)
        .open(truncated.path().join(name))
        .unwrap();
    file.set_len(half).unwrap();
    let line = format!("{}  {}\n", "0".repeat(64), name.display());
    fs::write(
        sides::beside(&wrong_hash.path().join(name), sides::SHA256),
        line,
    )
    .unwrap();

    let bad = [damaged.path(), truncated.path(), wrong_hash.path()];
    let root = tempfile::tempdir().unwrap();
    let cache = Cache::at(root.path(), &bad);
    fs::create_dir_all(cache.distributions()).unwrap();
    let own = archive(&cache, &identity('k'));
    fs::write(&own, "damaged too").unwrap();
    let build = || Ok(PathBuf::from("built"));
    let provided = provide(&cache, &identity('k'), &request(), build).unwrap();
    assert_eq!(provided, Path::new("built"));
    assert_eq!(
        names(&cache.distributions()),
        [format!("{}.damaged", name.display())]
    );
    for folder in bad {
        assert!(folder.join(name).is_file());
    }

    let distributions = maker.distributions();
    let with_good = [&bad[..], &[distributions.as_path()]].concat();
    let cache = Cache::at(root.path(), &with_good);
    let provided = provide(&cache, &identity('k'), &request(), no_build).unwrap();
    assert_eq!(provided, folder(&cache, &identity('k')));
    drop(maker_root);
}

#[test]
fn an_archive_of_another_package_is_refused() {
    let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_maker_root, _maker, made) = with_package(&[]);
    let changes: [fn(&mut Identity); 4] = [
        |wanted| wanted.key.replace_range(60.., "zzzz"),
        |wanted| wanted.version.push('1'),
        |wanted| wanted.target.push('x'),
        |wanted| wanted.profile = "jit".to_owned(),
    ];
    for change in changes {
        let mut wanted = identity('k');
        change(&mut wanted);
        let cache = Cache::at(root.path(), &[shared.path()]);
        let path = shared.path().join(format!("{}.tar.zst", wanted.name()));
        compress(&made, &path).unwrap();
        let build = || Ok(PathBuf::from("built"));
        let provided = provide(&cache, &wanted, &request(), build).unwrap();
        assert_eq!(provided, Path::new("built"), "{wanted:?}");
        assert_eq!(names(&cache.distributions()), Vec::<String>::new());
    }
}

#[test]
fn what_is_current_or_newest_is_kept_and_what_is_orphaned_goes() {
    let (_root, cache, current) = with_package(&[]);
    let jit = Identity {
        profile: "jit".to_owned(),
        ..identity('j')
    };
    let publish = |identity: &Identity| publish(&cache, identity, Origin::default(), fill).unwrap();
    let (old, newest, other) = (
        publish(&identity('o')),
        publish(&identity('n')),
        publish(&jit),
    );
    let past = SystemTime::now() - Duration::from_secs(10_000);
    for folder in [&current, &old] {
        File::open(folder).unwrap().set_modified(past).unwrap();
    }
    fs::create_dir_all(cache.build(Package::Llvm, DEFAULT)).unwrap();
    fs::write(cache.build(Package::Llvm, DEFAULT).join("x"), b"12345").unwrap();
    let dist = cache.distributions();
    for orphan in [
        "bareflow-llvm-2.tar.zst",
        "bareflow-llvm-2.tar.zst.sha256",
        "bareflow-llvm-3.tar.zst.minisig",
        "bareflow-llvm-4.damaged",
        "bareflow-llvm-4.tar.zst.damaged",
        "bareflow-llvm-4.tar.zst.sha256.damaged",
        ".tmpold",
        "bareflow-llvm-5.tar.zst.partial",
    ] {
        fs::write(dist.join(orphan), "").unwrap();
        let file = File::options().write(true).open(dist.join(orphan)).unwrap();
        file.set_modified(past).unwrap();
    }
    fs::create_dir(dist.join("bareflow-llvm-6.damaged")).unwrap();
    fs::create_dir(dist.join(".tmpnew")).unwrap();
    fs::create_dir(dist.join("without-manifest")).unwrap();

    let mut everything = names(&dist);
    everything.retain(|name| name.len() > 40 && !name.contains("damaged") || name == ".tmpnew");
    assert!(collect(&cache, &Current::Unknown).unwrap() >= 5);
    assert!(!cache.build(Package::Llvm, DEFAULT).exists());
    for folder in [&current, &old, &newest, &other] {
        assert!(folder.is_dir());
    }
    // What cannot be told to be old is kept, with the archives.
    let left = names(&dist);
    for name in &everything {
        assert!(left.contains(name), "{name} is gone");
    }

    collect(&cache, &Current::Known(vec![identity('k').name()])).unwrap();
    let mut expected = vec![".tmpnew".to_owned()];
    for kept in [identity('k'), jit.clone()] {
        expected.extend(names_of(&kept));
    }
    expected.sort();
    assert_eq!(names(&dist), expected);
    assert_eq!(verify(&cache).unwrap(), Vec::<String>::new());

    // The newest is kept where nothing is current.
    publish(&identity('n'));
    File::open(&current).unwrap().set_modified(past).unwrap();
    collect(&cache, &Current::Known(Vec::new())).unwrap();
    assert!(newest.is_dir() && !current.exists() && other.is_dir());
}

#[test]
fn modes_do_not_depend_on_who_unpacks() {
    let (_root, cache, folder) = with_package(&[]);
    let mode = |path: &str| {
        fs::metadata(folder.join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    fs::remove_dir_all(&folder).unwrap();
    provide(&cache, &identity('k'), &request(), no_build).unwrap();
    assert_eq!(mode(""), 0o755);
    assert_eq!(mode("bin/llvm-config"), 0o755);
    assert_eq!(mode("lib/libA.a"), 0o644);
}

#[test]
fn a_look_at_thousands_of_files_takes_milliseconds() {
    let root = tempfile::tempdir().unwrap();
    let cache = Cache::at(root.path(), &[]);
    let many = |root: &Path| {
        for folder in 0..40 {
            let folder = root.join(format!("include/{folder}"));
            fs::create_dir_all(&folder).unwrap();
            for file in 0..100 {
                fs::write(folder.join(format!("{file}.h")), "x").unwrap();
            }
        }
        Ok(())
    };
    publish(&cache, &identity('m'), Origin::default(), many).unwrap();
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let start = std::time::Instant::now();
        assert!(
            find(&cache, &identity('m'), Contents::Sized)
                .unwrap()
                .is_some()
        );
        fastest = fastest.min(start.elapsed());
    }
    eprintln!("{} ms", fastest.as_secs_f64() * 1e3);
    // Many times what it takes, for a busy machine.
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

#[test]
fn a_package_of_another_format_is_set_aside() {
    let (_root, cache, folder) = with_package(&[]);
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"format\": 2", "\"format\": 1")).unwrap();
    let problems = check_folder(&folder, Contents::Sized).unwrap_err();
    assert_eq!(
        problems,
        ["its manifest has format 1, and this checkout reads 2"]
    );
    assert_eq!(find(&cache, &identity('k'), Contents::Sized).unwrap(), None);
}
