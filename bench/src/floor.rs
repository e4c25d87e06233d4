//! `cargo xtask bench floor`: what a program's calls of the C library cost, against the GNU C library's.
//!
//! The same program (`programs/floor/`) is compiled for Linux and for the hosted kernel, by the same clang at the same
//! level; both optimisers see the calls only, so that what differs is the library. It measures itself: of each piece of
//! work the best of many rounds. The runs take turns, and the best of each counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ahead_of_time::{self, Optimisation};
use super::hosted::{Hosted, Setup};
use bareflow_build::shell::shell;
use bareflow_build::temporary::TemporaryFolder;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result, system};
use bareflow_image::program::{Program, Tier};
use bareflow_report::tables::{digits, geometric_mean, render, verdict};
use bareflow_run::say;

const FOLDER: &str = "bench/programs/floor";
const TURNS: usize = 3;

/// What a group of pieces is, and what they may cost of the GNU C library's time.
const GROUPS: [(&str, &str, f64); 3] = [
    ("malloc", "allocation", 1.0),
    ("blocks", "blocks and strings", 1.2),
    ("mathematics", "mathematics", 1.2),
];
/// The patterns whose allocation is compared with mimalloc too, and what they may cost of its time.
const MIMALLOC_PATTERNS: [&str; 3] = ["binary_trees", "database", "script"];
const MIMALLOC_TARGET: f64 = 1.1;
const MIMALLOC: &str = "-lmimalloc";
const MIMALLOC_PACKAGE: &str = "libmimalloc-dev";

/// Cycles of each piece of work.
type Cycles = BTreeMap<Piece, f64>;

/// A group and a name in it.
type Piece = (String, String);

/// Prints the table.
///
/// # Errors
/// Whatever kept the programs from being run to their ends.
pub fn run(context: &Context) -> Result<()> {
    let folder = TemporaryFolder::new("floor")?;
    let sources = sources(&context.root.join(FOLDER))?;
    let for_linux = |name: &str, libraries: &[&str]| {
        let path = folder.path().join(name);
        ahead_of_time::build_from(context, &sources, Optimisation::O2, libraries, &path)
            .map(|()| path)
    };
    let glibc = for_linux("glibc", &["-lm"])?;
    let mimalloc = for_linux("mimalloc", &["-lm", MIMALLOC]);
    if mimalloc.is_err() {
        say!("mimalloc is not compared: the package {MIMALLOC_PACKAGE} is not installed");
    }
    let hosted = Hosted::build(context)?;
    let program = Program::build(&sources, &context.program_compiler())?;

    let (mut ours, mut order) = (Cycles::new(), Vec::new());
    let (mut of_glibc, mut of_mimalloc) = (Cycles::new(), Cycles::new());
    for _ in 0..TURNS {
        order = merge(&mut of_glibc, &run_on_linux(&glibc)?)?;
        if let Ok(executable) = &mimalloc {
            merge(&mut of_mimalloc, &run_on_linux(executable)?)?;
        }
        let run = hosted.run(&program, &Setup::from(Tier::O2), &[])?;
        merge(&mut ours, &run.output)?;
    }
    print(&order, &ours, &of_glibc, &of_mimalloc);
    Ok(())
}

fn print(order: &[Piece], ours: &Cycles, glibc: &Cycles, mimalloc: &Cycles) {
    let ratio = |piece: &Piece, others: &Cycles| Some(ours.get(piece)? / others.get(piece)?);
    let shown =
        |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    say!("cycles of the time stamp counter, best of {TURNS} runs; hosted, fixed O2");
    let rows = order.iter().map(|piece| {
        let is_allocation = piece.0 == GROUPS[0].0;
        vec![
            piece.1.clone(),
            digits(glibc[piece]),
            shown(ratio(piece, glibc)),
            shown(ratio(piece, mimalloc).filter(|_| is_allocation)),
        ]
    });
    say!(
        "{}",
        render(
            &["", "glibc", "BareFlow/glibc", "BareFlow/mimalloc"],
            rows.collect()
        )
    );
    for (group, what, target) in GROUPS {
        let pieces = order.iter().filter(|piece| piece.0 == group);
        let ratios: Vec<(f64, &str)> = pieces
            .filter_map(|piece| Some((ratio(piece, glibc)?, piece.1.as_str())))
            .collect();
        tell(what, "glibc", &ratios, target);
    }
    let patterns = MIMALLOC_PATTERNS.iter().filter_map(|name| {
        let piece = (GROUPS[0].0.to_owned(), (*name).to_owned());
        Some((ratio(&piece, mimalloc)?, *name))
    });
    tell(
        GROUPS[0].1,
        "mimalloc",
        &patterns.collect::<Vec<_>>(),
        MIMALLOC_TARGET,
    );
}

/// Prints the worst of some ratios and their mean.
fn tell(what: &str, other: &str, ratios: &[(f64, &str)], target: f64) {
    let Some((worst, name)) = ratios.iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return;
    };
    let all: Vec<f64> = ratios.iter().map(|(ratio, _)| *ratio).collect();
    say!(
        "{}",
        verdict(
            &format!("{what}, over {other}"),
            &format!(
                "worst {worst:.2} ({name}), mean {:.2}",
                geometric_mean(&all)
            ),
            &format!("at most {target}"),
            *worst <= target
        )
    );
}

/// The files of the program, in order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = shell()?.read_dir(folder)?;
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    Ok(sources)
}

fn run_on_linux(executable: &Path) -> Result<Vec<u8>> {
    let done = Command::new(executable)
        .stderr(Stdio::inherit())
        .output()
        .map_err(system(format!("cannot run {}", executable.display())))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(Error::build(format!(
        "{} ended: {}",
        executable.display(),
        done.status
    )))
}

/// Takes over what is less; returns the pieces in the order in which they were printed.
fn merge(cycles: &mut Cycles, output: &[u8]) -> Result<Vec<Piece>> {
    let text = String::from_utf8_lossy(output);
    text.lines()
        .map(|line| {
            let (piece, found) =
                parse(line).ok_or_else(|| Error::build(format!("the program printed {line:?}")))?;
            let least = cycles.entry(piece.clone()).or_insert(found);
            *least = least.min(found);
            Ok(piece)
        })
        .collect()
}

fn parse(line: &str) -> Option<(Piece, f64)> {
    let mut words = line.split(' ');
    let piece = (words.next()?.to_owned(), words.next()?.to_owned());
    let cycles = words.next()?.parse().ok()?;
    words.next().is_none().then_some((piece, cycles))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_all_turns_counts() {
        let mut cycles = Cycles::new();
        let order = merge(&mut cycles, b"malloc b 100\nblocks a 30\n").unwrap();
        merge(&mut cycles, b"malloc b 90\nblocks a 40\n").unwrap();
        assert_eq!(cycles.values().copied().collect::<Vec<_>>(), [30.0, 90.0]);
        assert_eq!(order[0].1, "b");
        for text in ["malloc b\n", "malloc b x\n", "malloc b 1 2\n"] {
            assert!(merge(&mut cycles, text.as_bytes()).is_err(), "{text}");
        }
    }
}
