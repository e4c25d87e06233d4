//! What `image` and `export` have in common: runs of the program before it is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use bareflow_image::training::{Runs, TrainingRun};

/// Runs of the program while something is made of it.
#[derive(Args, Clone, Debug)]
pub struct TrainingArgs {
    /// Run the program with these arguments while the image is made, so that it has what was learnt of it; may be
    /// repeated
    #[arg(long, value_name = "ARGS", value_parser = parse_words, allow_hyphen_values = true)]
    train: Vec<Words>,
    /// What a training run reads from its standard input: the first of these is the first run's, and the last is for
    /// all that are left [default: that of --stdin, if there is one]
    #[arg(long, value_name = "FILE", requires = "train")]
    train_stdin: Vec<PathBuf>,
    /// Stop making the image if a training run takes longer, or compiling after them
    #[arg(long, value_name = "N", default_value_t = 600)]
    train_timeout_s: u64,
}

/// Words of a command line.
#[derive(Clone, Debug)]
struct Words(Vec<String>);

impl TrainingArgs {
    /// The files that are named.
    pub fn inputs(&self) -> impl Iterator<Item = PathBuf> {
        self.train_stdin.clone().into_iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.train.is_empty()
    }

    /// How long something may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.train_timeout_s)
    }

    /// The runs; `input` is what they read unless a file is named for them.
    pub fn runs(&self, input: Option<&Path>) -> Runs {
        let input = |run: usize| {
            let named = self.train_stdin.get(run).or(self.train_stdin.last());
            named.map(PathBuf::as_path).or(input).map(Path::to_owned)
        };
        let runs = self.train.iter().enumerate();
        Runs {
            runs: runs
                .map(|(run, Words(arguments))| TrainingRun {
                    arguments: arguments.clone(),
                    input: input(run),
                })
                .collect(),
            timeout: self.timeout(),
        }
    }
}

/// Words as a shell takes them.
fn parse_words(text: &str) -> Result<Words, String> {
    let words = shlex::split(text).ok_or("a quotation mark is not closed")?;
    Ok(Words(words))
}
