//! The distribution itself: that everything in it links, and that its code keeps the kernel's rules.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::runner::{Check, Outcome, Test};
use super::subject::Subject;
use super::{downstream, libc_bitcode};
use crate::audit::{audit_archive, is_allowed};
use bareflow_build::distribution;
use bareflow_build::kernel::{KernelBuilder, KernelKind};
use bareflow_build::llvm::{Request, configuration};
use bareflow_build::packing::{MANIFEST, sides};
use bareflow_build::paths::Cache;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_targets::{DEFAULT, TARGETS, Target};

/// Thread-local data that a kernel sets up at most, in bytes.
const TLS_LIMIT_BYTES: u64 = 4096 - 64;
/// Findings of one sort that a message shows.
const SHOWN_FINDINGS: usize = 20;

/// The tests of the distribution.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 7] = [
        ("configuration", check_configuration),
        ("links_whole", check_whole_link),
        ("code", check_code),
        ("libc_bitcode", libc_bitcode::check),
        ("llvm_sys", downstream::check_llvm_sys),
        ("c_interface", downstream::check_c_interface),
        ("cmake", downstream::check_cmake),
    ];
    let mut tests = Test::of_checks("distribution", subject, &checks);
    tests.extend(tests_of_other_targets(subject));
    tests
}

/// A check of the distribution for a target, as its users have it.
type TargetCheck = fn(&Subject, &'static Target, &Path) -> Result<(), String>;

const TARGET_CHECKS: &[(&str, TargetCheck)] = &[
    ("configuration", |_, target, distribution| {
        compare_configuration(target, distribution)
    }),
    ("links_whole", check_whole_product),
    ("code", |_, _, distribution| {
        audit_all(&archives(distribution)?)
    }),
    ("package", check_package),
];

/// The other targets' distributions, where a cache has them.
fn tests_of_other_targets(subject: &Arc<Subject>) -> impl Iterator<Item = Test> {
    let others = TARGETS.iter().filter(|target| *target != DEFAULT);
    others.flat_map(move |target| {
        TARGET_CHECKS.iter().map(move |(name, check)| {
            let subject = Arc::clone(subject);
            let name = format!("distribution::{}::{name}", target.architecture);
            Test::new(name, move || {
                match downstream::product_for(&subject, target) {
                    Ok(Some(distribution)) => Outcome::from(check(&subject, target, &distribution)),
                    Ok(None) => Outcome::Skipped(downstream::is_in_no_cache(target)),
                    Err(error) => Outcome::Failed(error),
                }
            })
        })
    })
}

/// Every object of every archive in one static program.
fn check_whole_product(
    subject: &Subject,
    target: &'static Target,
    distribution: &Path,
) -> Result<(), String> {
    let output = subject.fresh_path("whole");
    let linked = Command::new(&subject.context.tools.lld)
        .args(["-m", target.elf_emulation])
        .args(["-static", "-nostdlib", "-z", "noexecstack"])
        .args(["--error-limit=0", "--defsym=main=0", "-T"])
        .arg(distribution.join("share/bareflow/linux.ld"))
        .arg("-o")
        .arg(&output)
        .arg("--whole-archive")
        .args(archives(distribution)?)
        .output();
    downstream::finish(linked, "linking everything")?;
    fs::remove_file(&output).map_err(|error| error.to_string())
}

/// The archive has its sides, and a cache that starts empty has the same files of it.
fn check_package(
    subject: &Subject,
    target: &'static Target,
    distribution: &Path,
) -> Result<(), String> {
    let context = &subject.context;
    let own = context.cache().distributions();
    let name = distribution
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    if !name.contains(target.triple) {
        return Err(format!("{name} does not name its target"));
    }
    let archive = format!("{name}{}", sides::ARCHIVE);
    for side in ["", ".sha256", ".spdx.json"] {
        let path = own.join(format!("{archive}{side}"));
        if !path.is_file() {
            return Err(format!("{} is not there", path.display()));
        }
    }
    let folder = TemporaryFolder::new("restored").map_err(|error| error.to_string())?;
    let cache = Cache::at(folder.path(), &[&own]);
    let request = Request {
        target,
        verify: true,
        ..Request::default()
    };
    let restored = distribution::find(&cache, &context.tools, &request)
        .map_err(|error| error.to_string())?
        .ok_or("it is not found again")?;
    let manifest = |folder: &Path| {
        fs::read(folder.join(MANIFEST)).map_err(|error| format!("{MANIFEST}: {error}"))
    };
    if manifest(&restored)? == manifest(distribution)? {
        Ok(())
    } else {
        Err("what was restored is another package".to_owned())
    }
}

/// Every archive, in the order of their names.
fn archives(distribution: &Path) -> Result<Vec<PathBuf>, String> {
    let folder = distribution.join("lib");
    let listing = fs::read_dir(&folder)
        .map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let mut archives: Vec<PathBuf> = listing
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "a"))
        .collect();
    archives.sort();
    if archives.is_empty() {
        return Err(format!("{} holds no archives", folder.display()));
    }
    Ok(archives)
}

/// What a kernel links: the C library is the SDK's.
pub(super) fn linked_archives(builder: &KernelBuilder) -> Result<Vec<PathBuf>, String> {
    let mut linked = archives(&builder.distribution)?;
    let ours = builder.c_library();
    linked.retain(|path| ours.iter().all(|own| own.file_name() != path.file_name()));
    linked.extend(ours);
    Ok(linked)
}

/// What the generated headers say is what was reviewed.
fn check_configuration(subject: &Subject) -> Result<(), String> {
    compare_configuration(DEFAULT, &subject.context.distribution)
}

fn compare_configuration(target: &Target, distribution: &Path) -> Result<(), String> {
    let reviewed = configuration::reviewed(target);
    for (_, header) in configuration::HEADERS {
        let path = distribution.join("include").join(header);
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        configuration::compare(&reviewed, header, &text)?;
    }
    Ok(())
}

/// What the kernels have themselves, for the processor at hand: the linker never comes to the C library's.
pub(super) const REPLACED: &[&str] = &[
    "bcmp", "bcopy", "bzero", "memcmp", "memcpy", "memmove", "memset",
];

/// A copy of the C library's archive without the members that a kernel has itself.
fn without_replaced(subject: &Subject, archive: &Path) -> Result<PathBuf, String> {
    let copy = subject.fresh_path("libc.a");
    fs::copy(archive, &copy).map_err(|error| error.to_string())?;
    let members = REPLACED.iter().map(|name| format!("{name}.cpp.o"));
    let mut delete = Command::new(&subject.context.tools.ar);
    delete.arg("d").arg(&copy).args(members);
    downstream::finish(delete.output(), "llvm-ar d").map(|_| copy)
}

/// Every object of every archive in one image: the linker refuses undefined and duplicate symbols.
fn check_whole_link(subject: &Subject) -> Result<(), String> {
    let builder = subject.context.kernel_builder();
    let mut archives = linked_archives(&builder)?;
    for archive in &mut archives {
        if archive.ends_with("libc.a") {
            *archive = without_replaced(subject, archive)?;
        }
    }
    let library = builder
        .compile(KernelKind::Hosted)
        .map_err(|error| error.to_string())?;
    let link = |strip: &[&str]| -> Result<u64, String> {
        let output = subject.fresh_path("whole");
        let result = Command::new(&builder.lld)
            .args(["-static", "-nostdlib", "-z", "noexecstack"])
            .args(["--error-limit=0", "-T"])
            .arg(builder.root.join("kernel/hosted/link.ld"))
            .args(strip)
            .arg("-o")
            .arg(&output)
            .arg(&library)
            .arg("--whole-archive")
            .args(&archives)
            .output()
            .map_err(|error| format!("cannot start {}: {error}", builder.lld.display()))?;
        if !result.status.success() {
            return Err(String::from_utf8_lossy(&result.stderr).into_owned());
        }
        let size = fs::metadata(&output)
            .map_err(|error| error.to_string())?
            .len();
        // Tens of megabytes that nobody looks at again.
        fs::remove_file(&output).map_err(|error| error.to_string())?;
        Ok(size)
    };
    let (linked, stripped) = (link(&[])?, link(&["--strip-all"])?);
    eprintln!(
        "{} archives under --whole-archive: {:.1} MB linked, {:.1} MB stripped",
        archives.len(),
        linked as f64 / 1e6,
        stripped as f64 / 1e6
    );
    Ok(())
}

/// No red zone, no thread-locals beyond what a kernel sets up, no instruction above the baseline outside
/// functions that CPUID chooses.
fn check_code(subject: &Subject) -> Result<(), String> {
    let mut archives = archives(&subject.context.distribution)?;
    archives.extend(subject.context.kernel_builder().c_library());
    audit_all(&archives)
}

fn audit_all(archives: &[PathBuf]) -> Result<(), String> {
    let mut tls_bytes = 0;
    let mut instruction_count = 0;
    let mut findings: BTreeMap<String, usize> = BTreeMap::new();
    for archive in archives {
        let audit = audit_archive(archive).map_err(|error| error.to_string())?;
        tls_bytes += audit.tls_bytes;
        instruction_count += audit.instruction_count;
        for finding in audit.findings.iter().filter(|finding| !is_allowed(finding)) {
            let archive = archive.file_name().unwrap_or_default().to_string_lossy();
            let text = format!(
                "{archive}({}) {}: {:?}",
                finding.member, finding.symbol, finding.violation
            );
            *findings.entry(text).or_default() += 1;
        }
    }
    eprintln!(
        "{} archives: {instruction_count} instructions, {tls_bytes} bytes of thread-local data",
        archives.len()
    );
    let mut message = String::new();
    // Writing to a String cannot fail.
    if instruction_count == 0 {
        let _ = writeln!(message, "no instruction was found: the audit is broken");
    }
    if tls_bytes > TLS_LIMIT_BYTES {
        let _ = writeln!(
            message,
            "{tls_bytes} bytes of thread-local data; a kernel sets up {TLS_LIMIT_BYTES}"
        );
    }
    for (text, count) in findings.iter().take(SHOWN_FINDINGS) {
        let _ = writeln!(message, "{text}, {count} times");
    }
    if findings.len() > SHOWN_FINDINGS {
        let _ = writeln!(message, "and {} more", findings.len() - SHOWN_FINDINGS);
    }
    if message.is_empty() {
        Ok(())
    } else {
        Err(message)
    }
}
