//! The sources of LLVM: where they come from, and the tree that is built.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Component, Path, PathBuf};

use super::inputs::{file_hash, folder_hash};
use super::{Request, VERSION};
use crate::error::{Error, Result, system, unpacking};
use crate::paths::Cache;
use crate::registry::{debian_mirror, download_from_debian, last_line};
use crate::shell::{Log, Progress, shell};
use crate::store;
use crate::temporary::TemporaryFolder;
use xshell::cmd;

/// A tarball whose contents are known.
struct Tarball {
    file_name: &'static str,
    sha256: &'static str,
}

/// The release tarball of the LLVM project.
const UPSTREAM: Tarball = Tarball {
    file_name: "llvm-project-18.1.8.src.tar.xz",
    sha256: "0b58557a6d32ceee97c8d533a59b9212d87e0fc4d2833924eb6c611247db2f2a",
};
const UPSTREAM_FOLDER: &str =
    "https://github.com/llvm/llvm-project/releases/download/llvmorg-18.1.8/";

/// What the release is known by, from whichever tarball it is.
pub const RELEASE: &str = "llvm-project 18.1.8";
/// The SHA-256 of its tarball.
pub const RELEASE_SHA256: &str = UPSTREAM.sha256;

/// Where its tarball is.
pub fn release_address() -> String {
    format!("{UPSTREAM_FOLDER}{}", UPSTREAM.file_name)
}

/// The same release as Debian packages it (llvm-toolchain-18 1:18.1.8-18, suite trixie).
const DEBIAN: Tarball = Tarball {
    file_name: "llvm-toolchain-18_18.1.8.orig.tar.xz",
    sha256: "260836e9aefe43fa0f3065c5cc5d502a52e1c4cf03396c1982ddc886f912cbc7",
};
const DEBIAN_SUITE: &str = "trixie";
const DEBIAN_PACKAGE: &str = "llvm-toolchain-18";

/// The parts of the project that are built or included.
const COMPONENTS: &[&str] = &[
    "cmake",
    "libc",
    "libcxx",
    "libcxxabi",
    "llvm",
    "runtimes",
    "third-party",
];
/// Folders right below a part that no build looks at.
const SKIPPED: &[&str] = &["test", "unittests", "docs"];
/// libc++'s own tests.
const LIBCXX_TESTS: &str = "libcxx/test";

/// What the sources of a request are known by: the two tarballs of the release count as one.
///
/// # Errors
/// When sources that the user gave cannot be read.
pub fn identity(request: &Request) -> Result<String> {
    match &request.source {
        None => Ok(RELEASE.to_owned()),
        Some(path) if path.is_dir() => folder_hash(path),
        Some(path) => {
            let hash = file_hash(path)?;
            Ok(
                if [&UPSTREAM, &DEBIAN]
                    .iter()
                    .any(|tarball| tarball.sha256 == hash)
                {
                    RELEASE.to_owned()
                } else {
                    hash
                },
            )
        }
    }
}

/// The unpacked tree, after having downloaded and unpacked what is missing.
///
/// # Errors
/// [`Error::Network`] when nothing can be downloaded, [`Error::WrongHash`] when a tarball is not the
/// pinned one.
pub fn provide(cache: &Cache, request: &Request) -> Result<PathBuf> {
    if let Some(path) = request.source.as_ref().filter(|path| path.is_dir()) {
        return Ok(std::path::absolute(path)?);
    }
    unpacked(cache, request, &format!("llvm-{VERSION}"), is_built)
}

/// The folder of libc++'s own tests, which no build wants.
///
/// # Errors
/// As [`provide`].
pub fn libcxx_tests(cache: &Cache, request: &Request) -> Result<PathBuf> {
    let name = format!("libcxx-test-{VERSION}");
    let tree = unpacked(cache, request, &name, |path| path.starts_with(LIBCXX_TESTS))?;
    Ok(tree.join(LIBCXX_TESTS))
}

/// The tree of this name in the cache, with the files whose paths in the project are wanted.
fn unpacked(
    cache: &Cache,
    request: &Request,
    name: &str,
    is_wanted: fn(&Path) -> bool,
) -> Result<PathBuf> {
    let tree = cache.source().join(name);
    let stamp = cache.source().join(format!("{name}.key"));
    let key = identity(request)?;
    let is_there = || fs::read_to_string(&stamp).is_ok_and(|text| text == key) && tree.is_dir();
    if is_there() {
        return Ok(tree);
    }
    let _lock = store::lock(&cache.source().join("lock"))?;
    // Another process may have unpacked it while this one waited.
    if is_there() {
        return Ok(tree);
    }
    let tarball = match &request.source {
        Some(path) => {
            check_pinned(path)?;
            path.clone()
        }
        None => find_or_download(cache, request)?,
    };
    let sh = shell()?;
    sh.remove_path(&stamp)?;
    sh.remove_path(&tree)?;
    unpack(&tarball, &tree, is_wanted)?;
    crate::shell::write_whole(&stamp, key.as_bytes())?;
    Ok(tree)
}

fn check_pinned(path: &Path) -> Result<()> {
    let found = file_hash(path)?;
    if [&UPSTREAM, &DEBIAN]
        .iter()
        .any(|tarball| tarball.sha256 == found)
    {
        return Ok(());
    }
    Err(Error::WrongHash {
        file: path.to_owned(),
        expected: format!(
            "{} ({}) or {} ({})",
            UPSTREAM.sha256, UPSTREAM.file_name, DEBIAN.sha256, DEBIAN.file_name
        ),
        found,
    })
}

fn check(path: &Path, tarball: &Tarball) -> Result<()> {
    let found = file_hash(path)?;
    if found == tarball.sha256 {
        return Ok(());
    }
    Err(Error::WrongHash {
        file: path.to_owned(),
        expected: tarball.sha256.to_owned(),
        found,
    })
}

fn find_or_download(cache: &Cache, request: &Request) -> Result<PathBuf> {
    for folder in std::iter::once(cache.source()).chain(cache.read_only().map(Path::to_owned)) {
        for tarball in [&UPSTREAM, &DEBIAN] {
            let path = folder.join(tarball.file_name);
            if path.is_file() {
                check(&path, tarball)?;
                return Ok(path);
            }
        }
    }
    if request.offline {
        return Err(Error::Network {
            attempts: "  --offline forbids it".to_owned(),
        });
    }
    let folder = cache.source();
    shell()?.create_dir(&folder)?;
    let log = Log::start(cache.log("download"))?;
    let mut attempts = Vec::new();
    for (tarball, fetch) in [
        (&UPSTREAM, fetch_upstream as Fetch),
        (&DEBIAN, fetch_debian),
    ] {
        let partial = folder.join(format!("{}.partial", tarball.file_name));
        match fetch(&log, &partial) {
            Ok(()) => {
                if let Err(error) = check(&partial, tarball) {
                    let _ = fs::remove_file(&partial);
                    return Err(error);
                }
                let path = folder.join(tarball.file_name);
                fs::rename(&partial, &path)
                    .map_err(system(format!("cannot write {}", path.display())))?;
                return Ok(path);
            }
            Err(reason) => {
                let _ = fs::remove_file(&partial);
                attempts.push(format!("  {}: {reason}", tarball.file_name));
            }
        }
    }
    Err(Error::Network {
        attempts: attempts.join("\n"),
    })
}

type Fetch = fn(&Log, &Path) -> std::result::Result<(), String>;

fn fetch_upstream(log: &Log, output: &Path) -> std::result::Result<(), String> {
    let url = format!("{UPSTREAM_FOLDER}{}", UPSTREAM.file_name);
    let sh = shell().map_err(|error| error.to_string())?;
    let fetch = cmd!(
        sh,
        "curl --fail --location --silent --show-error --connect-timeout 15 --output {output} {url}"
    );
    log.run_cmd(fetch).map_err(|error| last_line(&error))
}

/// Asks apt, with a source list of our own for the suite that has the package, where the tarball is; the
/// mirror is the one that the machine is configured with.
fn fetch_debian(log: &Log, output: &Path) -> std::result::Result<(), String> {
    let folder = TemporaryFolder::new("source").map_err(|error| error.to_string())?;
    let mirror = debian_mirror()?;
    let list = folder.path().join("sources.list");
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let failed = |error: xshell::Error| error.to_string();
    let sh = shell().map_err(failed)?;
    sh.change_dir(folder.path());
    let text = format!("deb-src [signed-by={keyring}] {mirror} {DEBIAN_SUITE} main\n");
    sh.write_file(&list, text).map_err(failed)?;
    for part in ["lists/partial", "cache/archives/partial"] {
        sh.create_dir(part).map_err(failed)?;
    }
    let options = [
        format!("Dir::Etc::SourceList={}", list.display()),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!(
            "Dir::State::Lists={}",
            folder.path().join("lists").display()
        ),
        format!("Dir::Cache={}", folder.path().join("cache").display()),
        "APT::Sandbox::User=root".to_owned(),
    ]
    .map(|option| format!("--option={option}"));
    let options = &options;
    log.run_cmd(cmd!(sh, "apt-get {options...} update"))
        .map_err(|error| last_line(&error))?;
    let ask = cmd!(
        sh,
        "apt-get {options...} --print-uris --download-only source {DEBIAN_PACKAGE}"
    );
    let uris = ask.quiet().ignore_stderr().read().unwrap_or_default();
    // Mirrors keep older files in the pool for a while after the suite has moved on.
    let uri = tarball_uri(&uris, DEBIAN.file_name).map_or_else(
        || {
            format!(
                "{}/pool/main/l/{DEBIAN_PACKAGE}/{}",
                mirror, DEBIAN.file_name
            )
        },
        str::to_owned,
    );
    download_from_debian(log, &uri, DEBIAN.sha256, output)
}

/// The address of a file in the output of `apt-get --print-uris`.
fn tarball_uri<'a>(output: &'a str, file_name: &str) -> Option<&'a str> {
    output.lines().find_map(|line| {
        let (uri, rest) = line.strip_prefix('\'')?.split_once('\'')?;
        (rest.split_whitespace().next() == Some(file_name)).then_some(uri)
    })
}

/// Unpacks the wanted files of a tarball into `tree`.
fn unpack(tarball: &Path, tree: &Path, is_wanted: fn(&Path) -> bool) -> Result<()> {
    let folder = tree.parent().unwrap_or(Path::new("."));
    shell()?.create_dir(folder)?;
    let partial = TemporaryFolder::new_in(folder)
        .map_err(system(format!("cannot write in {}", folder.display())))?;
    let file = File::open(tarball).map_err(system(format!("cannot read {}", tarball.display())))?;
    let size = file.metadata()?.len();
    let mut progress = Progress::new("unpack");
    let reader = BufReader::new(file);
    let mut archive = tar::Archive::new(liblzma::read::XzDecoder::new_multi_decoder(reader));
    let failed = || format!("cannot unpack {}", tarball.display());
    let mut unpacked = 0;
    for entry in archive.entries().map_err(system(failed()))? {
        let mut entry = entry.map_err(system(failed()))?;
        unpacked += entry.size();
        // The ratio of xz on these sources is about 8; the bar is a guide.
        progress.update((unpacked / 8).min(size), size);
        let path = entry.path().map_err(system(failed()))?.into_owned();
        let Some(inner) = in_project(&path).filter(|inner| is_wanted(inner)) else {
            continue;
        };
        let target = partial.path().join(inner);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(system(failed()))?;
        }
        entry.unpack(&target).map_err(unpacking(failed(), folder))?;
    }
    fs::rename(partial.path(), tree).map_err(system(format!("cannot write {}", tree.display())))?;
    drop(partial.keep());
    progress.finish();
    Ok(())
}

/// The path inside the project: tarballs have it in a folder of their own.
fn in_project(path: &Path) -> Option<PathBuf> {
    let mut parts = path
        .components()
        .skip_while(|part| *part == Component::CurDir);
    parts.next()?;
    let inner: PathBuf = parts.collect();
    (!inner.as_os_str().is_empty()).then_some(inner)
}

/// Whether a build looks at the file with this path inside the project.
fn is_built(inner: &Path) -> bool {
    let mut names = inner
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    let component = names.next();
    let below = names.next();
    let is_skipped = below.is_some_and(|name| SKIPPED.contains(&name.as_ref()));
    component.is_some_and(|name| COMPONENTS.contains(&name.as_ref())) && !is_skipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_needed_parts_are_unpacked() {
        let inner = |path: &str| in_project(Path::new(path)).filter(|inner| is_built(inner));
        assert_eq!(
            inner("llvm-project-18.1.8.src/llvm/lib/IR/Core.cpp"),
            Some("llvm/lib/IR/Core.cpp".into())
        );
        assert_eq!(
            inner("./x/libc/include/errno.h.def"),
            Some("libc/include/errno.h.def".into())
        );
        assert_eq!(inner("x/llvm/test/a.ll"), None);
        assert_eq!(inner("x/llvm/unittests/a.cpp"), None);
        assert_eq!(inner("x/clang/lib/a.cpp"), None);
        assert_eq!(inner("x"), None);
    }

    #[test]
    fn the_tarballs_address_is_read() {
        let output = "Need to get 156 MB of source archives.\n\
                      'http://m.example/l/x.dsc' x.dsc 8556 SHA256:34\n\
                      'http://m.example/l/x%20y.orig.tar.xz' x.orig.tar.xz 155 SHA256:26\n";
        assert_eq!(
            tarball_uri(output, "x.orig.tar.xz"),
            Some("http://m.example/l/x%20y.orig.tar.xz")
        );
        assert_eq!(tarball_uri(output, "y.orig.tar.xz"), None);
    }

    #[test]
    fn a_tarball_with_the_wrong_hash_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path(), &[]);
        fs::create_dir_all(cache.source()).unwrap();
        fs::write(cache.source().join(UPSTREAM.file_name), b"not a tarball").unwrap();
        let error = provide(&cache, &Request::default()).unwrap_err();
        assert_eq!(error.exit_code(), 103);
        assert!(error.to_string().contains(UPSTREAM.sha256));
        assert!(!cache.source().join(format!("llvm-{VERSION}")).exists());
    }

    #[test]
    fn offline_without_a_tarball_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let request = Request {
            offline: true,
            ..Request::default()
        };
        let error = provide(&Cache::at(folder.path(), &[]), &request).unwrap_err();
        assert_eq!(error.exit_code(), 104);
        assert!(error.to_string().contains("--source"));
    }

    #[test]
    fn a_given_tarball_must_be_a_pinned_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.tar.xz");
        fs::write(&path, b"x").unwrap();
        let request = Request {
            source: Some(path),
            ..Request::default()
        };
        let error = provide(&Cache::at(folder.path(), &[]), &request).unwrap_err();
        assert_eq!(error.exit_code(), 103);
    }
}
