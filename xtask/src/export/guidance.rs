//! What a snapshot tells the compiler of a program.
//!
//! A function that no boot has ever called is cold: it is compiled for its size, and calls of it are taken for
//! unlikely. One that has come to O3 is hot: it is inlined where another of its size would not be. Everything else is
//! left to the compiler.

use bareflow_snapshot::{Function, LoadedSnapshot, Series, Snapshot, inspect_newest};
use bareflow_tiers::{Kind, Level, Tier};
use bareflow_volume::VolumeError;

use super::ExportError;
use crate::image::{ImageError, ImageFile};

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
}

impl Guidance {
    /// Of the newest good snapshot in an image, with the counts of later boots; `None` if there is none.
    ///
    /// # Errors
    /// [`ExportError::Image`] if the volume cannot be read.
    pub fn of_image(image: &ImageFile) -> Result<Option<Self>, ExportError> {
        let Some(code) = newest_snapshot(image, Series::Code)? else {
            return Ok(None);
        };
        let mut guidance = Self::of(&code.snapshot());
        if let Some(counts) = newest_snapshot(image, Series::Counts)? {
            guidance.add_counts(&counts.snapshot());
        }
        Ok(Some(guidance))
    }

    fn of(snapshot: &Snapshot) -> Self {
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
        }
    }

    /// What later boots have called is not cold.
    fn add_counts(&mut self, counts: &Snapshot) {
        self.cold.retain(|name| {
            let mut functions = counts.functions.iter();
            !functions.any(|function| function.name == name && function.calls > 0)
        });
        self.boots = self.boots.max(counts.profile.boots);
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
        [options(&self.cold, COLD), options(&self.hot, HOT)].concat()
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
    use bareflow_snapshot::{Keys, Profile};

    fn function(name: &'static str, tier: Tier, calls: u64) -> Function<'static> {
        Function {
            name,
            kind: Kind::Function,
            tier,
            tried: [false; 4],
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
            pieces: Vec::new(),
            places: Vec::new(),
            code: Vec::new(),
            data: Vec::new(),
            profile: Profile {
                boots: 12,
                ..Profile::default()
            },
        };
        let mut guidance = Guidance::of(&snapshot);
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
        guidance.add_counts(&later);
        assert!(guidance.cold.is_empty());
    }
}
