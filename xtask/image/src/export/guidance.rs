//! What snapshots tell the compiler of a program.
//!
//! A function that no boot has ever called is cold: it is compiled for its size, and calls of it are taken for
//! unlikely. What is known of the control flow of others is said as LLVM has it. If nothing is, what has come to O3 is
//! hot: it is inlined where another of its size would not be. Everything else is left to the compiler.

use std::collections::BTreeMap;
use std::fmt;

use bareflow_bundle::{Bundle, MODULE};
use bareflow_profile::flow::{ControlFlow, FunctionFlow, OUTSIDE};
use bareflow_snapshot::{
    BASELINE, Function, LoadedSnapshot, Series, Snapshot, hash_of_modules, inspect, inspect_newest,
};
use bareflow_tier_policy::{Kind, Level, Tier};
use bareflow_volume::VolumeError;

use super::ExportError;
use super::annotate::Counts;
use crate::disk::{ImageError, ImageFile};

/// Attributes of LLVM for what was never called, and for what is called most.
const COLD: &[&str] = &["cold", "optsize", "minsize"];
const HOT: &[&str] = &["hot", "inlinehint"];

/// What is known of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guidance {
    /// Functions that no boot has called.
    pub cold: Vec<String>,
    /// Functions at O3.
    pub hot: Vec<String>,
    /// The processor that the snapshot was made on, as the compiler calls it.
    pub processor: &'static str,
    /// How many boots have measured.
    pub boots: u64,
    /// How control went.
    pub counts: Counts,
    /// The snapshot with the newest counts.
    newest: Vec<u8>,
}

impl Guidance {
    /// Of the newest good snapshots in an image; `None` if there is none.
    ///
    /// # Errors
    /// [`ExportError::Image`] if the volume cannot be read.
    pub fn of_image(image: &ImageFile) -> Result<Option<Self>, ExportError> {
        let code = newest_snapshot(image, Series::Code)?;
        let counts = newest_snapshot(image, Series::Counts)?;
        let Some(first) = code.as_ref().or(counts.as_ref()) else {
            return Ok(None);
        };
        let mut guidance = Self::of(&first.snapshot(), first.bytes());
        if let Some(counts) = counts {
            guidance.add_counts(&counts.snapshot(), counts.bytes());
        }
        Ok(Some(guidance))
    }

    /// Of a snapshot that training has left.
    pub fn of_training(bytes: &[u8]) -> Self {
        Self {
            // Where it was trained says nothing of where it will run.
            processor: BASELINE,
            ..Self::of(&inspect(bytes).expect("it was read from a volume"), bytes)
        }
    }

    fn of(snapshot: &Snapshot, bytes: &[u8]) -> Self {
        let names = |is_wanted: fn(&Function) -> bool| {
            let functions = snapshot.functions.iter();
            functions
                .filter(|function| function.kind == Kind::Function && is_plain(function.name))
                .filter(|function| is_wanted(function))
                .map(|function| function.name.to_owned())
                .collect()
        };
        Self {
            cold: names(|function| function.calls == 0 && function.tier == Tier::Interpreter),
            hot: names(|function| function.tier == Tier::Native(Level::O3)),
            processor: bareflow_snapshot::level_of(snapshot.keys.cpu_features),
            boots: snapshot.profile.boots,
            counts: Counts::default(),
            newest: bytes.to_vec(),
        }
    }

    /// What later boots have called is not cold.
    fn add_counts(&mut self, counts: &Snapshot, bytes: &[u8]) {
        self.cold.retain(|name| {
            let mut functions = counts.functions.iter();
            !functions.any(|function| function.name == name && function.calls > 0)
        });
        if self.boots <= counts.profile.boots {
            self.boots = counts.profile.boots;
            self.newest = bytes.to_vec();
        }
    }

    /// Whether it is of the program in the bundle.
    pub fn is_of(&self, bundle: &Bundle) -> bool {
        let modules: Vec<(&str, &[u8])> = bundle
            .with_prefix(MODULE)
            .map(|entry| (entry.name, entry.contents))
            .collect();
        self.seen().keys.program_hash == hash_of_modules(&modules)
    }

    fn seen(&self) -> Snapshot<'_> {
        inspect(&self.newest).expect("it was read from a volume")
    }

    /// The snapshot that it stands on.
    pub fn snapshot(&self) -> &[u8] {
        &self.newest
    }

    /// Takes how control went in the program, as the engine makes it of the snapshot's counts.
    pub fn take(&mut self, flow: ControlFlow) {
        let seen = self.seen();
        let functions = seen.functions.iter();
        let functions: BTreeMap<&str, &Function> = functions
            .filter(|function| function.kind == Kind::Function)
            .map(|function| (function.name, function))
            .collect();
        let most = flow.functions.iter().map(most_taken).max().unwrap_or(0);
        let mut flows = BTreeMap::new();
        for mut function in flow.functions {
            if let Some(known) = functions.get(function.name.as_str()) {
                add_uncounted(&mut function, known, most);
            }
            flows.insert(function.name.clone(), function);
        }
        let others = functions
            .iter()
            .filter(|(name, _)| !flows.contains_key(**name));
        let calls = others.map(|(name, function)| ((*name).to_owned(), function.calls));
        self.counts = Counts {
            calls: calls.collect(),
            flows,
        };
    }

    /// The options of LLVM's pass `forceattrs` that say so.
    pub fn attribute_options(&self) -> Vec<String> {
        let options = |names: &[String], attributes: &[&str]| {
            let pairs = names.iter().flat_map(|name| {
                attributes
                    .iter()
                    .map(move |attribute| format!("-force-attribute={name}:{attribute}"))
            });
            pairs.collect::<Vec<_>>()
        };
        let hot = if self.counts.flows.is_empty() {
            options(&self.hot, HOT)
        } else {
            Vec::new()
        };
        [options(&self.cold, COLD), hot].concat()
    }
}

impl fmt::Display for Guidance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (boots, hot, cold) = (self.boots, self.hot.len(), self.cold.len());
        write!(
            formatter,
            "{boots} boots, {hot} hot and {cold} cold functions, control flow of {}, {}",
            self.counts.flows.len(),
            self.processor
        )
    }
}

fn most_taken(function: &FunctionFlow) -> u64 {
    let edges = function.edges.iter();
    edges.map(|edge| edge.taken).max().unwrap_or(0)
}

/// A function that was worth optimising has not been counted to the end. Its calls were, up to O3; and what is at O3 is
/// as hot as anything. The counts of its edges stay in proportion.
fn add_uncounted(function: &mut FunctionFlow, known: &Function, most: u64) {
    let level = match known.tier {
        Tier::Native(level) => Some(level),
        Tier::Interpreter => None,
    };
    let level = level.max(known.loops);
    if level < Some(Level::O2) {
        return;
    }
    let entered = function.edges.iter().filter(|edge| edge.from == OUTSIDE);
    let entries: u64 = entered.map(|edge| edge.taken).sum();
    let own = most_taken(function);
    let (mut times, mut of) = (known.calls.max(entries), entries);
    let is_less = |times: u64, of: u64| {
        u128::from(times) * u128::from(own) < u128::from(most) * u128::from(of)
    };
    if level == Some(Level::O3) && (of == 0 || is_less(times, of)) {
        (times, of) = (most, own);
    }
    if of == 0 {
        return;
    }
    for edge in &mut function.edges {
        let taken = u128::from(edge.taken) * u128::from(times) / u128::from(of);
        edge.taken = u64::try_from(taken).unwrap_or(u64::MAX);
    }
}

/// Whether the name can be written in an option: those of C can.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte);
    !name.is_empty() && name.bytes().all(is_plain)
}

/// The newest good snapshot of a series in an image; `None` if there is none. Newer ones that are refused are named on stderr.
///
/// # Errors
/// [`ExportError::Image`] if the volume cannot be read.
fn newest_snapshot(
    image: &ImageFile,
    series: Series,
) -> Result<Option<LoadedSnapshot>, ExportError> {
    let Some(mut volume) = image.volume()? else {
        return Ok(None);
    };
    let loaded = inspect_newest(&mut volume, series, |name, refusal| {
        eprintln!("bareflow: note: {name} is not used: {refusal}");
    });
    match loaded {
        Ok(loaded) => Ok(loaded),
        // A volume without the folder.
        Err(VolumeError::NotFound) => Ok(None),
        Err(error) => Err(ImageError::NoImage {
            path: image.path.clone(),
            reason: format!("its snapshots: {error}"),
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bareflow_profile::flow::Edge;
    use bareflow_snapshot::{Keys, Profile};

    fn function(name: &'static str, tier: Tier, calls: u64) -> Function<'static> {
        Function {
            name,
            kind: Kind::Function,
            tier,
            tried: [false; bareflow_tier_policy::LEVELS.len()],
            loops: None,
            calls,
            cycles: None,
            code_address: 0,
            code_bytes: 0,
            seen_address: 0,
            seen: &[],
        }
    }

    #[test]
    fn what_was_never_called_is_cold_and_what_is_at_o3_is_hot() {
        let loop_of_main = Function {
            kind: Kind::Loop,
            ..function("main", Tier::Native(Level::O3), 1_000_000)
        };
        let snapshot = Snapshot {
            keys: Keys {
                kernel_build_id: [0; 32],
                program_hash: [0; 32],
                cpu_features: "",
                llvm_version: "18.1.8",
                configuration: "",
            },
            functions: vec![
                function("main", Tier::Interpreter, 1),
                loop_of_main,
                function("usage", Tier::Interpreter, 0),
                function("step", Tier::Native(Level::O3), 50_000),
                function("rare", Tier::Native(Level::O1), 200),
                function("odd:name", Tier::Interpreter, 0),
            ],
            imports: Vec::new(),
            allocations: Vec::new(),
            anchors: Vec::new(),
            code: Vec::new(),
            data: Vec::new(),
            profile: Profile {
                boots: 12,
                ..Profile::default()
            },
        };
        let mut guidance = Guidance::of(&snapshot, &[1]);
        assert_eq!(guidance.cold, ["usage"]);
        assert_eq!(guidance.hot, ["step"]);
        assert_eq!(guidance.processor, "x86-64");
        assert_eq!(guidance.boots, 12);
        let options = guidance.attribute_options();
        assert!(options.contains(&"-force-attribute=usage:minsize".to_owned()));
        assert!(options.contains(&"-force-attribute=step:inlinehint".to_owned()));
        assert_eq!(options.len(), 5);

        let later = Snapshot {
            functions: vec![function("usage", Tier::Interpreter, 1)],
            ..snapshot.clone()
        };
        guidance.add_counts(&later, &[2]);
        assert!(guidance.cold.is_empty());
        assert_eq!(guidance.newest, [2]);
    }

    #[test]
    fn what_has_left_the_code_that_counts_is_as_hot_as_it_was_called() {
        let edge = |from, to, taken| Edge { from, to, taken };
        let flow = FunctionFlow {
            name: "step".into(),
            edges: vec![
                edge(OUTSIDE, 1, 100),
                edge(1, 1, 400),
                edge(1, OUTSIDE, 100),
            ],
            calls: Vec::new(),
        };
        let taken = |known: Function, most| -> Vec<u64> {
            let mut flow = flow.clone();
            add_uncounted(&mut flow, &known, most);
            flow.edges.iter().map(|edge| edge.taken).collect()
        };
        let at = |level, calls| function("step", Tier::Native(level), calls);
        assert_eq!(taken(at(Level::O1, 900), 5_000), [100, 400, 100]);
        assert_eq!(taken(at(Level::O2, 900), 5_000), [900, 3_600, 900]);
        assert_eq!(taken(at(Level::O3, 900), 5_000), [1_250, 5_000, 1_250]);
        assert_eq!(taken(at(Level::O3, 900), 400), [900, 3_600, 900]);
        let with_loop = Function {
            loops: Some(Level::O3),
            ..function("step", Tier::Interpreter, 1)
        };
        assert_eq!(taken(with_loop, 4_000), [1_000, 4_000, 1_000]);
        assert_eq!(taken(at(Level::O2, u64::MAX), 1)[0], u64::MAX);
    }
}
