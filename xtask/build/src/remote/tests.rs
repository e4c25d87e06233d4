//! Against servers on this machine, which behave as badly as servers do.

mod server;

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusty_s3::Credentials;
use tempfile::TempDir;

use self::server::{Behaviour, Server};
use super::place::S3Configuration;
use super::{Address, Failure, Patience, Remote};
use crate::compiler_cache::CompilerCache;
use crate::error::Result;
use crate::llvm::Request;
use crate::packing::sides::{self, beside};
use crate::packing::tests::{fill, identity};
use crate::packing::{Origin, publish};
use crate::paths::Cache;
use crate::store::{self, Pushed, folder, provide};

const PATIENCE: Patience = Patience {
    connect: Duration::from_millis(1000),
    stall: Duration::from_millis(2000),
    attempts: 3,
    pause: Duration::from_millis(10),
};

/// A package whose archive is not small.
fn fill_large(root: &Path) -> Result<()> {
    fill(root)?;
    let mut state = 1_u64;
    let bytes: Vec<u8> = (0..400_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    fs::write(root.join("lib/libLarge.a"), bytes)?;
    Ok(())
}

/// A cache with a package, to be served.
fn made() -> (TempDir, Cache) {
    let root = tempfile::tempdir().unwrap();
    let cache = Cache::at(root.path(), &[]);
    publish(&cache, &identity('k'), Origin::default(), fill_large).unwrap();
    (root, cache)
}

/// A server of a package.
fn serving(behaviour: Behaviour) -> (Server, u64) {
    let (_root, cache) = made();
    let archive = store::archive(&cache, &identity('k'));
    let server = Server::start(behaviour);
    for path in [archive.clone(), beside(&archive, sides::SHA256)] {
        let name = path.file_name().unwrap().to_str().unwrap();
        server.put(name, fs::read(&path).unwrap());
    }
    (server, fs::metadata(&archive).unwrap().len())
}

fn reading(sources: &[&str]) -> (TempDir, Cache) {
    let root = tempfile::tempdir().unwrap();
    let sources = sources
        .iter()
        .map(|source| Address::parse(OsStr::new(source)))
        .collect();
    let cache = Cache::with_sources(root.path(), sources, PATIENCE);
    (root, cache)
}

/// Provides the package; whether it was restored, and not built.
fn is_restored(cache: &Cache) -> bool {
    let provided = provide(cache, &identity('k'), &Request::default(), || {
        Ok(PathBuf::from("built"))
    })
    .unwrap();
    let is_restored = provided == folder(cache, &identity('k'));
    if is_restored {
        assert_eq!(store::verify(cache).unwrap(), Vec::<String>::new());
    }
    is_restored
}

fn names(cache: &Cache) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(cache.distributions())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_package_comes_from_a_server_once() {
    let (server, _) = serving(Behaviour::default());
    let (_root, cache) = reading(&[&server.address]);
    assert!(is_restored(&cache));
    let name = identity('k').name();
    let expected = [
        name.clone(),
        format!("{name}.tar.zst"),
        format!("{name}.tar.zst.sha256"),
    ];
    assert_eq!(names(&cache), expected);
    let asked = server.requests().len();
    assert_eq!(asked, 3, "{:?}", server.requests());
    // What is there is not asked for.
    assert!(is_restored(&cache));
    fs::remove_dir_all(folder(&cache, &identity('k'))).unwrap();
    assert!(is_restored(&cache));
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn what_a_server_does_not_have_takes_one_question() {
    let server = Server::start(Behaviour::default());
    let (_root, cache) = reading(&[&server.address]);
    let start = Instant::now();
    assert!(!is_restored(&cache));
    assert!(start.elapsed() < PATIENCE.stall);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn offline_asks_nobody() {
    let (server, _) = serving(Behaviour::default());
    let (_root, cache) = reading(&[&server.address]);
    let request = Request {
        offline: true,
        ..Request::default()
    };
    let built = provide(&cache, &identity('k'), &request, || Ok("built".into())).unwrap();
    assert_eq!(built, Path::new("built"));
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[test]
fn a_server_that_fails_at_first_is_asked_again() {
    let (server, _) = serving(Behaviour {
        failures: 2,
        ..Behaviour::default()
    });
    let (_root, cache) = reading(&[&server.address]);
    assert!(is_restored(&cache));
}

#[test]
fn a_server_that_always_fails_is_left_for_the_next() {
    let (bad, _) = serving(Behaviour {
        failures: 1000,
        ..Behaviour::default()
    });
    let (good, _) = serving(Behaviour::default());
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let (_root, cache) = reading(&[&closed, &bad.address, "/nowhere", &good.address]);
    assert!(is_restored(&cache));
    assert_eq!(bad.requests().len(), PATIENCE.attempts as usize);
}

#[test]
fn a_cut_transfer_goes_on_where_it_stopped() {
    let (server, size) = serving(Behaviour {
        cut: Some(150_000),
        ..Behaviour::default()
    });
    let (_root, cache) = reading(&[&server.address]);
    assert!(is_restored(&cache));
    let requests = server.requests();
    let resumed: Vec<_> = requests
        .iter()
        .filter(|request| request.contains("range: bytes="))
        .collect();
    assert!(resumed.len() >= 2, "{requests:?}");
    assert!(
        resumed
            .iter()
            .all(|request| request.contains("if-range: \""))
    );
    // Nothing came twice.
    assert!(server.sent() < size + 10_000, "{} {size}", server.sent());
}

#[test]
fn a_cut_transfer_begins_again_where_there_are_no_ranges() {
    let (server, size) = serving(Behaviour {
        cut: Some(150_000),
        cuts: 1,
        no_ranges: true,
        ..Behaviour::default()
    });
    let (_root, cache) = reading(&[&server.address]);
    assert!(is_restored(&cache));
    assert!(server.sent() > size + 100_000);
}

#[test]
fn a_file_that_changes_between_two_parts_begins_again() {
    let (server, _) = serving(Behaviour {
        cut: Some(150_000),
        cuts: 1,
        changing_tags: true,
        ..Behaviour::default()
    });
    let (_root, cache) = reading(&[&server.address]);
    assert!(is_restored(&cache));
}

#[test]
fn a_transfer_goes_on_after_a_stall() {
    let (server, size) = serving(Behaviour {
        cut: Some(200_000),
        cuts: 1,
        hanging: true,
        ..Behaviour::default()
    });
    let (_root, cache) = reading(&[&server.address]);
    assert!(is_restored(&cache));
    assert!(server.sent() < size + 10_000);
}

#[test]
fn a_server_that_hangs_is_left_for_the_next() {
    let (bad, _) = serving(Behaviour {
        cut: Some(0),
        cuts: 1000,
        hanging: true,
        ..Behaviour::default()
    });
    let (good, _) = serving(Behaviour::default());
    let (_root, cache) = reading(&[&bad.address, &good.address]);
    let start = Instant::now();
    assert!(is_restored(&cache));
    let most = (PATIENCE.stall + PATIENCE.connect) * PATIENCE.attempts * 3;
    assert!(start.elapsed() < most, "{:?}", start.elapsed());
}

#[test]
fn a_slow_server_is_waited_for() {
    let (server, _) = serving(Behaviour {
        slow: Some(Duration::from_millis(150)),
        ..Behaviour::default()
    });
    let (_root, cache) = reading(&[&server.address]);
    let start = Instant::now();
    assert!(is_restored(&cache));
    // Longer than a stall may take.
    assert!(start.elapsed() > PATIENCE.stall);
}

#[test]
fn wrong_bytes_do_not_enter_the_cache() {
    let name = format!("{}.tar.zst", identity('k').name());
    let (flipped, _) = serving(Behaviour::default());
    flipped.change(&name, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let (short, _) = serving(Behaviour::default());
    short.change(&name, |bytes| bytes.truncate(1000));
    let (wrong_hash, _) = serving(Behaviour::default());
    wrong_hash.change(&format!("{name}.sha256"), |bytes| bytes[0] ^= 1);
    let bad = [
        flipped.address.as_str(),
        short.address.as_str(),
        wrong_hash.address.as_str(),
    ];
    let (_root, cache) = reading(&bad);
    assert!(!is_restored(&cache));
    assert_eq!(names(&cache), Vec::<String>::new());

    let (good, _) = serving(Behaviour::default());
    let (_root, cache) = reading(&[&bad[..], &[&good.address]].concat());
    assert!(is_restored(&cache));
}

#[test]
fn what_has_come_before_a_process_ends_is_not_asked_for_again() {
    let (server, size) = serving(Behaviour {
        cut: Some(150_000),
        cuts: 1,
        ..Behaviour::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("archive");
    let name = format!("{}.tar.zst", identity('k').name());
    let address = Address::parse(OsStr::new(&server.address));
    let hasty = Patience {
        attempts: 1,
        ..PATIENCE
    };
    let failure = Remote::new(&address, hasty)
        .unwrap()
        .download(&name, &to)
        .unwrap_err();
    assert!(matches!(failure, Failure::Passing(_)), "{failure:?}");
    let first = fs::metadata(&to).unwrap().len();
    assert!(first > 0 && first < size);
    let remote = Remote::new(&address, hasty).unwrap();
    assert!(remote.download(&name, &to).unwrap());
    assert_eq!(fs::read(&to).unwrap(), server.get(&name));
    assert!(server.sent() < size + 10_000);
}

#[test]
fn packages_are_pushed_to_a_server_once() {
    let (root, cache) = made();
    let cache = Cache::with_sources(root.path(), cache.sources().to_vec(), PATIENCE);
    let archive = store::archive(&cache, &identity('k'));
    fs::write(beside(&archive, ".minisig"), "a signature").unwrap();
    let server = Server::start(Behaviour {
        failures: 1,
        ..Behaviour::default()
    });
    let to = Address::parse(OsStr::new(&server.address));
    assert_eq!(
        store::push(&cache, &to).unwrap(),
        [Pushed::New(archive.clone())]
    );
    let name = identity('k').name();
    assert_eq!(
        server.get(&format!("{name}.tar.zst")),
        fs::read(&archive).unwrap()
    );
    assert_eq!(
        server.get(&format!("{name}.tar.zst.minisig")),
        b"a signature"
    );
    let last = server.requests().pop().unwrap();
    assert!(last.starts_with(&format!("put /{name}.tar.zst ")), "{last}");

    assert_eq!(
        store::push(&cache, &to).unwrap(),
        [Pushed::Same(archive.clone())]
    );
    let puts = |server: &Server| {
        let requests = server.requests();
        requests
            .iter()
            .filter(|line| line.starts_with("put "))
            .count()
    };
    let before = puts(&server);
    fs::write(beside(&archive, ".minisig"), "another signature").unwrap();
    store::push(&cache, &to).unwrap();
    assert_eq!(puts(&server), before + 1);

    let (_root, reader) = reading(&[&server.address]);
    assert!(is_restored(&reader));
    assert!(names(&reader).contains(&format!("{name}.tar.zst.minisig")));
}

#[test]
fn packages_are_pushed_to_a_folder_once() {
    let (_root, cache) = made();
    let archive = store::archive(&cache, &identity('k'));
    let other = tempfile::tempdir().unwrap();
    let to = Address::Folder(other.path().join("new/folder"));
    assert_eq!(
        store::push(&cache, &to).unwrap(),
        [Pushed::New(archive.clone())]
    );
    assert_eq!(
        store::push(&cache, &to).unwrap(),
        [Pushed::Same(archive.clone())]
    );
    let (_root, reader) = reading(&[&to.to_string()]);
    assert!(is_restored(&reader));

    // What is damaged goes nowhere.
    let mut bytes = fs::read(&archive).unwrap();
    bytes[1000] ^= 1;
    fs::write(&archive, bytes).unwrap();
    assert_eq!(store::push(&cache, &to).unwrap_err().exit_code(), 103);
}

#[test]
fn a_server_that_does_not_take_packages_says_so() {
    let (root, cache) = made();
    let cache = Cache::with_sources(root.path(), cache.sources().to_vec(), PATIENCE);
    let server = Server::start(Behaviour {
        read_only: true,
        ..Behaviour::default()
    });
    let to = Address::parse(OsStr::new(&server.address));
    let error = store::push(&cache, &to).unwrap_err();
    assert_eq!(error.exit_code(), 104);
    assert!(error.to_string().contains("403"), "{error}");
}

#[test]
fn a_bucket_is_read_and_written_with_signatures() {
    let (server, _) = serving(Behaviour {
        secret: Some("secret"),
        ..Behaviour::default()
    });
    let address = Address::parse(OsStr::new("s3://bucket/a prefix/b"));
    let remote = |secret: Option<&str>| {
        let s3 = S3Configuration {
            endpoint: Some(server.address.clone()),
            region: Some("somewhere-1".to_owned()),
            credentials: secret.map(|secret| Credentials::new("key", secret)),
        };
        Remote::with(&address, PATIENCE, s3).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, "contents").unwrap();
    let good = remote(Some("secret"));
    assert!(!good.download("file", &to).unwrap());
    good.put("file", &from).unwrap();
    assert!(good.download("file", &to).unwrap());
    assert_eq!(fs::read(&to).unwrap(), b"contents");
    assert_eq!(good.size_bytes("file").unwrap(), Some(8));
    assert_eq!(good.small("file").unwrap().unwrap(), b"contents");
    assert_eq!(server.get("bucket/a%20prefix/b/file"), b"contents");

    for wrong in [None, Some("other")] {
        let failure = remote(wrong).put("file", &from).unwrap_err();
        assert!(
            matches!(&failure, Failure::Final(reason) if reason.contains("403")),
            "{failure:?}"
        );
    }
}

#[test]
fn what_one_machine_has_compiled_another_one_gets_from_the_server() {
    let server = Server::start(Behaviour::default());
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("a.c"), "int answer(void) { return 42; }\n").unwrap();
    // Every machine has a folder of its own; objects go elsewhere, so that each is made anew.
    let compile = |machine: &str| {
        let cache = CompilerCache {
            program: "ccache".into(),
            folder: work.path().join(machine),
            shared: Some(format!("{}/objects", server.address).into()),
        };
        let ccache = |arguments: &[&str]| {
            let output = Command::new(&cache.program)
                .args(arguments)
                .current_dir(work.path())
                .envs(cache.variables())
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let object = format!("{machine}.o");
        ccache(&["cc", "-c", "a.c", "-o", &object]);
        let counts = ccache(&["--print-stats"]);
        let count = |name: &str| {
            let line = counts.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|number| number.trim().parse::<u32>().ok())
        };
        let bytes = fs::read(work.path().join(object)).unwrap();
        (bytes, count("cache_miss\t"))
    };
    let (first, misses) = compile("one");
    assert_eq!(misses, Some(1));
    let (second, misses) = compile("other");
    assert_eq!(misses, Some(0));
    assert_eq!(first, second);
    let requests = server.requests();
    let is_kept = |request: &String| request.starts_with("put /objects/");
    assert!(requests.iter().any(is_kept), "{requests:?}");
}
