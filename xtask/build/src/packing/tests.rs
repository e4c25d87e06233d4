use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::archive::{compress, read};
use super::*;
use crate::error::Error;
use crate::packing::listing::{Contents, Listing};
use crate::paths::Package;
use crate::store::check_folder;

/// Which package the tests make.
pub fn identity(key: char) -> Identity {
    Identity {
        package: Package::Llvm,
        version: "1".to_owned(),
        target: "t".to_owned(),
        profile: "full".to_owned(),
        key: key.to_string().repeat(64),
    }
}

/// Fills a folder as a small package.
pub fn fill(root: &Path) -> Result<()> {
    for (path, text) in [
        ("lib/libA.a", "archive"),
        ("lib/libc.bc", "bitcode"),
        ("include/a b.h", "int a;"),
        ("bin/llvm-config", "#!/bin/sh"),
        ("share/bareflow/toolchain.cmake", ""),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let program = fs::Permissions::from_mode(0o700);
    fs::set_permissions(root.join("bin/llvm-config"), program)?;
    Ok(())
}

/// A package in a folder of its own.
fn made() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("package");
    fill(&root).unwrap();
    complete(&root, &identity('k'), Origin::default()).unwrap();
    (parent, root)
}

fn reason(result: Result<archive::Packed>) -> String {
    match result.unwrap_err() {
        Error::Damaged { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

/// Packs files as they are given, however wrong, behind a good package.
fn packed_with(add: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> (TempDir, PathBuf) {
    let (parent, root) = made();
    let mut builder = tar::Builder::new(Vec::new());
    builder.follow_symlinks(false);
    for entry in WalkDir::new(&root).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let inner = entry.path().strip_prefix(&root).unwrap();
            builder.append_path_with_name(entry.path(), inner).unwrap();
        }
    }
    add(&mut builder);
    let bytes = builder.into_inner().unwrap();
    let path = parent.path().join("a.tar.zst");
    fs::write(&path, zstd::encode_all(&bytes[..], 1).unwrap()).unwrap();
    (parent, path)
}

/// A header of a file whose path is not looked at.
fn member(path: &[u8], kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_cksum();
    header
}

#[test]
fn a_package_has_a_manifest_of_every_file() {
    let (_parent, root) = made();
    let manifest = check_folder(&root, Contents::Hashed).unwrap();
    let paths: Vec<_> = manifest
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.size_bytes, file.mode))
        .collect();
    assert_eq!(
        paths,
        [
            ("bin/llvm-config", 9, Mode::Program),
            ("include/a b.h", 6, Mode::Data),
            ("lib/libA.a", 7, Mode::Data),
            ("lib/libc.bc", 7, Mode::Data),
            ("share/bareflow/toolchain.cmake", 0, Mode::Data),
        ]
    );
    assert_eq!(manifest.identity(), identity('k'));
    assert_eq!(
        identity('k').name(),
        format!("bareflow-llvm-1-t-full-{}", "k".repeat(16))
    );
}

#[test]
fn every_change_of_a_folder_is_found() {
    type Change = (&'static str, Contents, fn(&Path));
    let changes: &[Change] = &[
        ("lib/libA.a has other bytes", Contents::Hashed, |root| {
            fs::write(root.join("lib/libA.a"), "brchive").unwrap();
        }),
        (
            "include/a b.h has 7 bytes instead of 6",
            Contents::Sized,
            |root| {
                fs::write(root.join("include/a b.h"), "int ab;").unwrap();
            },
        ),
        ("lib/libc.bc is missing", Contents::Sized, |root| {
            fs::remove_file(root.join("lib/libc.bc")).unwrap();
        }),
        ("lib/x is not in the manifest", Contents::Sized, |root| {
            fs::write(root.join("lib/x"), "").unwrap();
        }),
        (
            "bin/llvm-config has mode 644 instead of 755",
            Contents::Sized,
            |root| {
                let mode = fs::Permissions::from_mode(0o644);
                fs::set_permissions(root.join("bin/llvm-config"), mode).unwrap();
            },
        ),
        (
            "lib/libA.a is neither a file nor a folder",
            Contents::Sized,
            |root| {
                fs::rename(root.join("lib/libA.a"), root.join("../a")).unwrap();
                symlink("../../a", root.join("lib/libA.a")).unwrap();
            },
        ),
        ("its manifest is unreadable", Contents::Sized, |root| {
            fs::write(root.join(MANIFEST), "{").unwrap();
        }),
        ("it has no manifest", Contents::Sized, |root| {
            fs::remove_file(root.join(MANIFEST)).unwrap();
        }),
        ("its manifest has format 3", Contents::Sized, |root| {
            fs::write(root.join(MANIFEST), r#"{"format": 3}"#).unwrap();
        }),
    ];
    for (line, contents, change) in changes {
        let (_parent, root) = made();
        check_folder(&root, *contents).unwrap();
        change(&root);
        let lines = check_folder(&root, *contents).unwrap_err();
        assert!(lines[0].starts_with(line), "{line}: {lines:?}");
    }
}

#[test]
fn every_flipped_bit_of_a_folder_is_found() {
    let (_parent, root) = made();
    for entry in WalkDir::new(&root) {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() || entry.path().ends_with(MANIFEST) {
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(entry.path(), changed).unwrap();
            assert!(
                check_folder(&root, Contents::Hashed).is_err(),
                "{} {bit}",
                entry.path().display()
            );
        }
        fs::write(entry.path(), bytes).unwrap();
    }
    check_folder(&root, Contents::Hashed).unwrap();
}

#[test]
fn every_flipped_bit_of_an_archive_is_found_or_changes_nothing() {
    let (parent, root) = made();
    let path = parent.path().join("a.tar.zst");
    compress(&root, &path).unwrap();
    let expected = Listing::of(&root, Contents::Hashed).unwrap();
    let sha256 = read(&path, None).unwrap().sha256;
    assert_eq!(sha256, crate::llvm::inputs::file_hash(&path).unwrap());
    let bytes = fs::read(&path).unwrap();
    let mut silent = 0;
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, changed).unwrap();
        // A few bits are not looked at, or say the same in another way: what comes out is the same, and only the hash
        // beside the archive tells.
        if let Ok(packed) = read(&path, None) {
            assert_eq!(packed.manifest.differences(&expected), Vec::<String>::new());
            assert_ne!(packed.sha256, sha256);
            silent += 1;
        }
    }
    assert!(silent * 100 < bytes.len() * 8, "{silent}");
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(read(&path, None).is_err(), "{length}");
    }
    for tail in [&b"\0"[..], &bytes, &zstd::encode_all(&b""[..], 1).unwrap()] {
        fs::write(&path, [&bytes[..], tail].concat()).unwrap();
        assert_eq!(reason(read(&path, None)), "bytes follow its end");
    }
}

#[test]
fn members_that_no_package_has_are_refused() {
    type Addition = (&'static str, fn(&mut tar::Builder<Vec<u8>>));
    let additions: &[Addition] = &[
        ("\"../x\" in it would leave the folder", |builder| {
            let header = member(b"../x", tar::EntryType::Regular, 0o644, 0);
            builder.append(&header, &b""[..]).unwrap();
        }),
        ("\"/tmp/x\" in it would leave the folder", |builder| {
            let header = member(b"/tmp/x", tar::EntryType::Regular, 0o644, 0);
            builder.append(&header, &b""[..]).unwrap();
        }),
        (
            "\"lib/../lib/libA.a\" in it would leave the folder",
            |builder| {
                let header = member(b"lib/../lib/libA.a", tar::EntryType::Regular, 0o644, 0);
                builder.append(&header, &b""[..]).unwrap();
            },
        ),
        ("\"lib/l\" in it is no file", |builder| {
            let mut header = member(b"lib/l", tar::EntryType::Symlink, 0o644, 0);
            header.set_link_name("libA.a").unwrap();
            header.set_cksum();
            builder.append(&header, &b""[..]).unwrap();
        }),
        ("\"lib/l\" in it is no file", |builder| {
            let mut header = member(b"lib/l", tar::EntryType::Link, 0o644, 0);
            header.set_link_name("lib/libA.a").unwrap();
            header.set_cksum();
            builder.append(&header, &b""[..]).unwrap();
        }),
        ("\"lib/f\" in it is no file", |builder| {
            let header = member(b"lib/f", tar::EntryType::Fifo, 0o644, 0);
            builder.append(&header, &b""[..]).unwrap();
        }),
        ("\"lib/c\" in it is no file", |builder| {
            let header = member(b"lib/c", tar::EntryType::Char, 0o644, 0);
            builder.append(&header, &b""[..]).unwrap();
        }),
        ("\"lib/d\" in it is no file", |builder| {
            let header = member(b"lib/d", tar::EntryType::Directory, 0o755, 0);
            builder.append(&header, &b""[..]).unwrap();
        }),
        ("lib/x is not in the manifest", |builder| {
            let header = member(b"lib/x", tar::EntryType::Regular, 0o644, 1);
            builder.append(&header, &b"x"[..]).unwrap();
        }),
        ("it holds lib/libA.a twice", |builder| {
            let header = member(b"lib/libA.a", tar::EntryType::Regular, 0o644, 7);
            builder.append(&header, &b"archive"[..]).unwrap();
        }),
        ("it holds share/bareflow/manifest.json twice", |builder| {
            let header = member(MANIFEST.as_bytes(), tar::EntryType::Regular, 0o644, 2);
            builder.append(&header, &b"{}"[..]).unwrap();
        }),
        ("it holds more after its end", |builder| {
            builder.finish().unwrap();
            builder.get_mut().extend_from_slice(b"x");
        }),
    ];
    for (line, add) in additions {
        let (parent, path) = packed_with(add);
        assert_eq!(reason(read(&path, None)), *line);
        let folder = parent.path().join("into");
        fs::create_dir(&folder).unwrap();
        let refused = reason(read(&path, Some(&folder)));
        assert!(
            refused == *line || (line.ends_with("twice") && refused.ends_with("twice")),
            "{refused}"
        );
        assert!(!parent.path().join("x").exists());
    }
    let (_parent, path) = packed_with(|_| {});
    read(&path, None).unwrap();
}

#[test]
fn a_missing_member_and_a_wrong_mode_are_refused() {
    let (parent, root) = made();
    let path = parent.path().join("a.tar.zst");
    fs::remove_file(root.join("include/a b.h")).unwrap();
    compress(&root, &path).unwrap();
    assert_eq!(reason(read(&path, None)), "include/a b.h is missing");
    fs::write(root.join("include/a b.h"), "int a;").unwrap();
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.join("include/a b.h"), mode).unwrap();
    compress(&root, &path).unwrap();
    assert_eq!(
        reason(read(&path, None)),
        "include/a b.h has mode 755 instead of 644"
    );
}

#[test]
fn what_is_unpacked_is_what_was_packed() {
    let (parent, root) = made();
    let path = parent.path().join("a.tar.zst");
    compress(&root, &path).unwrap();
    let into = parent.path().join("into");
    fs::create_dir(&into).unwrap();
    assert_eq!(
        read(&path, Some(&into)).unwrap().manifest.identity(),
        identity('k')
    );
    check_folder(&into, Contents::Hashed).unwrap();
    assert_eq!(
        Listing::of(&into, Contents::Hashed).unwrap(),
        Listing::of(&root, Contents::Hashed).unwrap()
    );
}
