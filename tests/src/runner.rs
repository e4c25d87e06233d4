//! A test runner for what is not a function of a crate: tests that boot machines and run tools.
//!
//! Every test passes, fails with what it printed, or is skipped with a reason. Results are on stdout,
//! one line each as they come, and the last line sums up.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should: what was wrong.
    Failed(String),
    /// Not run: why.
    Skipped(String),
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(details) => Self::Failed(details),
        }
    }
}

/// A test.
pub struct Test {
    name: String,
    body: Box<dyn FnOnce() -> Outcome + Send>,
}

/// A test of a subject; an error says what is wrong with it.
pub type Check<S> = fn(&S) -> Result<(), String>;

impl Test {
    /// Of its name, whose parts are separated by `::`, and what it does.
    pub fn new(name: impl Into<String>, body: impl FnOnce() -> Outcome + Send + 'static) -> Self {
        Self {
            name: name.into(),
            body: Box::new(body),
        }
    }

    /// A test for each of these checks of one subject, with their names in the group.
    pub fn of_checks<S: Send + Sync + 'static>(
        group: &str,
        subject: &Arc<S>,
        checks: &[(&str, Check<S>)],
    ) -> Vec<Self> {
        let tests = checks.iter().map(|(name, check)| {
            let (subject, check) = (Arc::clone(subject), *check);
            Self::new(format!("{group}::{name}"), move || {
                Outcome::from(check(&subject))
            })
        });
        tests.collect()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs it.
    pub fn run(self) -> Outcome {
        (self.body)()
    }
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// As they should.
    pub passed: usize,
    /// Not as they should.
    pub failed: usize,
    /// Not run.
    pub skipped: usize,
}

impl Summary {
    /// Counts one more.
    pub fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
    }
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(
            formatter,
            "{passed} passed, {failed} failed, {skipped} skipped"
        )
    }
}

/// Prints one result.
///
/// # Errors
/// Those of `output`.
pub fn report(
    output: &mut impl Write,
    name: &str,
    outcome: &Outcome,
    elapsed: Duration,
) -> io::Result<()> {
    let seconds = elapsed.as_secs_f64();
    match outcome {
        Outcome::Passed => writeln!(output, "ok      {name} ({seconds:.1} s)")?,
        Outcome::Skipped(reason) => writeln!(output, "skipped {name}: {reason}")?,
        Outcome::Failed(details) => {
            writeln!(output, "FAILED  {name} ({seconds:.1} s)")?;
            for line in details.lines() {
                writeln!(output, "        {line}")?;
            }
        }
    }
    output.flush()
}

/// How long a run may go on.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    start: Instant,
    minutes: u64,
}

impl TimeLimit {
    /// So many minutes from now.
    pub fn minutes(minutes: u64) -> Self {
        Self {
            start: Instant::now(),
            minutes,
        }
    }

    /// What becomes of a test that would start now, if it is too late for it.
    fn refusal(self) -> Option<Outcome> {
        let limit = Duration::from_secs(self.minutes.saturating_mul(60));
        (self.start.elapsed() >= limit)
            .then(|| Outcome::Skipped(format!("the run is over its {} minutes", self.minutes)))
    }
}

/// Puts tests in an order in which each group, the first part of their names, is spread evenly, so that whatever part of
/// them is run has some of every group.
pub fn spread(tests: Vec<Test>) -> Vec<Test> {
    let group = |test: &Test| {
        let name = test.name();
        name.split_once("::")
            .map_or(name, |(group, _)| group)
            .to_owned()
    };
    let mut sizes = HashMap::<String, usize>::new();
    let places: Vec<_> = tests
        .iter()
        .map(|test| {
            let place = sizes.entry(group(test)).or_default();
            *place += 1;
            *place
        })
        .collect();
    let mut placed: Vec<_> = places.into_iter().zip(tests).collect();
    placed.sort_by(|(one, one_test), (other, other_test)| {
        let (size, other_size) = (sizes[&group(one_test)], sizes[&group(other_test)]);
        (one * other_size).cmp(&(other * size))
    });
    placed.into_iter().map(|(_, test)| test).collect()
}

/// Runs `tests`, `jobs` at a time, and reports to `output`. What is not begun within the limit is skipped.
///
/// # Errors
/// Those of `output`.
pub fn run(
    tests: Vec<Test>,
    jobs: usize,
    limit: Option<TimeLimit>,
    output: impl Write + Send,
) -> io::Result<Summary> {
    let tests: Vec<Mutex<Option<Test>>> = tests
        .into_iter()
        .map(|test| Mutex::new(Some(test)))
        .collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new((Summary::default(), output, Ok(())));
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(slot) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let test = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let Some(Test { name, body }) = test else {
                        continue;
                    };
                    let start = Instant::now();
                    let outcome = limit.and_then(TimeLimit::refusal).unwrap_or_else(|| {
                        catch_unwind(AssertUnwindSafe(body))
                            .unwrap_or_else(|_| Outcome::Failed("the test panicked".into()))
                    });
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    let (summary, output, written) = &mut *results;
                    summary.add(&outcome);
                    if written.is_ok() {
                        *written = report(output, &name, &outcome, start.elapsed());
                    }
                }
            });
        }
    });
    let (summary, _, written) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    written.map(|()| summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_is_counted_and_explained() {
        let tests = vec![
            Test::new("a::passes", || Outcome::Passed),
            Test::new("a::fails", || Outcome::Failed("expected 1\nfound 2".into())),
            Test::new("b::skips", || Outcome::Skipped("no machine".into())),
        ];
        let mut output = Vec::new();
        let summary = run(tests, 2, None, &mut output).unwrap();
        assert_eq!(
            summary,
            Summary {
                passed: 1,
                failed: 1,
                skipped: 1
            }
        );
        assert_eq!(summary.to_string(), "1 passed, 1 failed, 1 skipped");
        let text = String::from_utf8(output).unwrap();
        assert!(text.contains("ok      a::passes ("), "{text}");
        assert!(
            text.contains("        expected 1\n        found 2\n"),
            "{text}"
        );
        assert!(text.contains("skipped b::skips: no machine\n"), "{text}");
    }

    #[test]
    fn what_is_not_begun_in_time_is_skipped_with_the_reason() {
        let tests = vec![Test::new("a::late", || Outcome::Failed("it ran".into()))];
        let mut output = Vec::new();
        let summary = run(tests, 1, Some(TimeLimit::minutes(0)), &mut output).unwrap();
        assert_eq!((summary.failed, summary.skipped), (0, 1));
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "skipped a::late: the run is over its 0 minutes\n"
        );
        assert!(TimeLimit::minutes(1).refusal().is_none());
    }

    #[test]
    fn each_half_of_what_is_spread_has_half_of_each_group() {
        let group = |name: &str, count: usize| -> Vec<Test> {
            (0..count)
                .map(|index| Test::new(format!("{name}::{index}"), || Outcome::Passed))
                .collect()
        };
        let mut tests = group("large", 40);
        tests.extend(group("small", 4));
        let names: Vec<_> = spread(tests)
            .iter()
            .map(|test| test.name().to_owned())
            .collect();
        assert_eq!(names.len(), 44);
        let of_half = |name: &str| {
            let half = names[..22].iter();
            half.filter(|other| other.starts_with(name)).count()
        };
        assert_eq!((of_half("large"), of_half("small")), (20, 2));
    }
}
