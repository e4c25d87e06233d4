//! Profiles: what a kernel measured while it ran a program, and how that is shown.
//!
//! The model is that of `docs/src/reference/profile.md`. All numbers are unsigned; cycles are those of the time
//! stamp counter, since the start of the program unless a field says otherwise.

mod figures;
pub mod page;
mod plot;
pub mod table;

use serde::Deserialize;

/// How a function runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Tier {
    /// In LLVM's interpreter.
    #[serde(rename = "interpreter")]
    Interpreter,
    /// As native code, not optimised.
    O0,
    /// As native code, optimised lightly.
    O1,
    /// As native code, optimised much.
    O2,
    /// As native code, optimised most.
    O3,
}

impl Tier {
    /// All of them, the slowest first.
    pub const ALL: [Self; 5] = [Self::Interpreter, Self::O0, Self::O1, Self::O2, Self::O3];

    /// Its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interpreter => "interpreter",
            Self::O0 => "O0",
            Self::O1 => "O1",
            Self::O2 => "O2",
            Self::O3 => "O3",
        }
    }
}

/// The version of the schema that is read.
pub const SCHEMA: u64 = 1;

/// Why a profile cannot be shown. Every message is one line.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The text is no JSON, or ends too early.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// It is JSON of another shape, or a number is negative or too large.
    #[error("not a profile: {0}")]
    Shape(String),
    /// It is a profile of another version.
    #[error("a profile of schema {0}; this command reads schema {SCHEMA}")]
    Schema(u64),
    /// No function was measured.
    #[error("the list of functions is empty; there is nothing to show")]
    NoFunctions,
    /// A rate by which times are computed is zero.
    #[error("{0} is 0; times cannot be computed")]
    ZeroRate(&'static str),
}

/// What a kernel measured during one run of a program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The version of the schema: [`SCHEMA`].
    pub schema: u64,
    /// The program's name.
    pub program: String,
    /// The kernel that ran it.
    pub kernel: Kernel,
    /// The name of the processor that code is generated for, as LLVM calls it.
    pub processor: String,
    /// Cycles of the time stamp counter in a second; not 0.
    pub cycles_per_second: u64,
    /// Cycles from the program's start to its end.
    pub total_cycles: u64,
    /// Cycles that were spent in the compiler.
    pub compile_cycles: u64,
    /// The number of calls or iterations after which code is compiled at O0, O1, O2 and O3; `None` for a level
    /// that is not used.
    pub thresholds: [Option<u64>; Level::ALL.len()],
    /// The program's functions; not empty.
    pub functions: Vec<Function>,
    /// Where the program was found at the ticks of a timer.
    pub samples: Samples,
    /// What memory was used.
    pub memory: Memory,
}

/// The kernel that ran the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// The one that is a Linux process.
    Hosted,
    /// The one that boots.
    Machine,
}

impl Kernel {
    /// Its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hosted => "hosted",
            Self::Machine => "machine",
        }
    }
}

/// A level of optimisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Level {
    /// Not optimised.
    O0,
    /// Optimised lightly.
    O1,
    /// Optimised.
    O2,
    /// Optimised most.
    O3,
}

impl Level {
    /// All of them, the lowest first.
    pub const ALL: [Self; 4] = [Self::O0, Self::O1, Self::O2, Self::O3];

    /// The tier of code that was compiled at this level.
    pub fn tier(self) -> Tier {
        match self {
            Self::O0 => Tier::O0,
            Self::O1 => Tier::O1,
            Self::O2 => Tier::O2,
            Self::O3 => Tier::O3,
        }
    }
}

/// A function of the program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its name in the program's module.
    pub name: String,
    /// The tier it was in at the end.
    pub tier: Tier,
    /// How often it was called, as far as calls were counted.
    pub calls: u64,
    /// What its calls took; `None` when none was measured. Calls are measured below O2 only.
    pub cycles: Option<CallCycles>,
    /// The size of its native code at the end, in bytes.
    pub code_bytes: u64,
    /// Its compilations, the first one first.
    pub compilations: Vec<Compilation>,
    /// Its loops that were counted.
    pub loops: Vec<Loop>,
    /// Why it stays at its tier; `None` when nothing keeps it there.
    pub failure: Option<String>,
}

/// What the measured calls of a function took, with the functions that it called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallCycles {
    /// How many calls were measured.
    pub calls: u64,
    /// Cycles of all measured calls.
    pub total: u64,
    /// Cycles of the fastest call.
    pub least: u64,
    /// Cycles of the slowest call.
    pub most: u64,
}

/// One compilation of a function or of a loop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compilation {
    /// The level it was compiled at.
    pub level: Level,
    /// When its code was ready, in cycles since the program's start.
    pub at: u64,
    /// Cycles that the compilation took.
    pub cycles: u64,
    /// The size of the code it made, in bytes.
    pub code_bytes: u64,
}

/// A loop of a function.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loop {
    /// Its name within the function.
    pub name: String,
    /// How often its body ran, as far as iterations were counted.
    pub iterations: u64,
    /// Its compilations for entry in the middle of a call, the first one first.
    pub compilations: Vec<Compilation>,
}

/// Where the program was found at the ticks of a timer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// Ticks in a second; not 0 when there are symbols.
    pub per_second: u64,
    /// The symbols that were found.
    pub symbols: Vec<SampledSymbol>,
}

/// A symbol that the timer found running.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampledSymbol {
    /// Its name.
    pub symbol: String,
    /// Whose code it is.
    pub part: Part,
    /// How many ticks found it running.
    pub count: u64,
}

/// Whose code a sampled symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The program's functions.
    Program,
    /// The C library and the runtime.
    Libc,
    /// LLVM.
    Compiler,
    /// The kernel.
    Kernel,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Program, Self::Libc, Self::Compiler, Self::Kernel];

    /// Its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Libc => "libc",
            Self::Compiler => "compiler",
            Self::Kernel => "kernel",
        }
    }
}

/// What memory was used at the end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Bytes of the heap.
    pub heap_bytes: u64,
    /// Bytes of the code pool.
    pub pool_bytes: u64,
}

impl Profile {
    /// Reads a profile from its JSON text.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn parse(text: &[u8]) -> Result<Self, ProfileError> {
        // The version comes first: another one may have any other fields.
        #[derive(Deserialize)]
        #[serde(expecting = "an object with the field `schema`")]
        struct Version {
            schema: u64,
        }
        let version: Version = serde_json::from_slice(text).map_err(refusal)?;
        if version.schema != SCHEMA {
            return Err(ProfileError::Schema(version.schema));
        }
        let profile: Self = serde_json::from_slice(text).map_err(refusal)?;
        if profile.functions.is_empty() {
            return Err(ProfileError::NoFunctions);
        }
        if profile.cycles_per_second == 0 {
            return Err(ProfileError::ZeroRate("cycles_per_second"));
        }
        if profile.samples.per_second == 0 && !profile.samples.symbols.is_empty() {
            return Err(ProfileError::ZeroRate("samples.per_second"));
        }
        Ok(profile)
    }
}

fn refusal(error: serde_json::Error) -> ProfileError {
    let reason = printable(&error.to_string());
    if error.is_data() {
        ProfileError::Shape(reason)
    } else {
        ProfileError::Syntax(reason)
    }
}

/// The text on one line and without control characters, which a terminal would obey.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                character.escape_default().to_string()
            } else {
                character.to_string()
            }
        })
        .collect()
}

#[cfg(test)]
pub mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A profile with a bit of everything.
    pub const FIXTURE: &str = include_str!("../../fixtures/profile.json");

    /// The fixture as a profile.
    pub fn fixture() -> Profile {
        Profile::parse(FIXTURE.as_bytes()).unwrap()
    }

    /// The fixture with the value at a JSON pointer replaced.
    pub fn fixture_with(pointer: &str, value: Value) -> Result<Profile, ProfileError> {
        let mut document: Value = serde_json::from_str(FIXTURE).unwrap();
        *document.pointer_mut(pointer).unwrap() = value;
        Profile::parse(document.to_string().as_bytes())
    }

    fn message(result: Result<Profile, ProfileError>) -> String {
        let text = result.unwrap_err().to_string();
        assert!(!text.contains(char::is_control), "{text:?}");
        text
    }

    #[test]
    fn the_fixture_is_read_whole() {
        let profile = fixture();
        assert_eq!(profile.kernel, Kernel::Machine);
        assert_eq!(
            profile.thresholds,
            [Some(2), Some(100), Some(5_000), Some(100_000)]
        );
        let fib = &profile.functions[0];
        assert_eq!((fib.name.as_str(), fib.tier), ("fib", Tier::O3));
        assert_eq!(fib.compilations[1].level, Level::O1);
        assert_eq!(
            profile.functions[1].loops[0].compilations[0].level,
            Level::O2
        );
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "profile", "{\"schema\": 1", "\u{1b}[31m", "{} {}"] {
            let text = message(Profile::parse(text.as_bytes()));
            assert!(
                text.starts_with("not JSON: ") || text.contains("missing field"),
                "{text}"
            );
        }
        assert!(message(Profile::parse(b"{\"schema\": 1, \"program\": \"\xff")).contains("JSON"));
    }

    #[test]
    fn another_schema_is_refused_whatever_else_it_holds() {
        assert_eq!(
            message(Profile::parse(b"{\"schema\": 2, \"news\": []}")),
            "a profile of schema 2; this command reads schema 1"
        );
        assert!(message(Profile::parse(b"[]")).contains("expected an object"));
        assert!(message(Profile::parse(b"{}")).contains("missing field `schema`"));
    }

    #[test]
    fn numbers_are_unsigned() {
        for pointer in [
            "/schema",
            "/total_cycles",
            "/functions/0/calls",
            "/functions/0/cycles/least",
            "/samples/symbols/0/count",
            "/memory/heap_bytes",
        ] {
            let text = message(fixture_with(pointer, json!(-1)));
            assert!(
                text.starts_with("not a profile: ") && text.contains("-1"),
                "{text}"
            );
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        assert!(message(fixture_with("/memory", json!({"heap\n": 1}))).contains("heap\\n"));
        assert!(message(fixture_with("/thresholds", json!([1, 2, 3]))).contains("length"));
        assert!(
            message(fixture_with(
                "/functions/0/compilations/0/level",
                json!("interpreter")
            ))
            .contains("unknown variant `interpreter`")
        );
    }

    #[test]
    fn nothing_to_show_and_no_rates_are_refused() {
        assert!(message(fixture_with("/functions", json!([]))).contains("functions is empty"));
        assert!(
            message(fixture_with("/cycles_per_second", json!(0)))
                .contains("cycles_per_second is 0")
        );
        assert!(
            message(fixture_with("/samples/per_second", json!(0)))
                .contains("samples.per_second is 0")
        );
        assert!(fixture_with("/samples", json!({"per_second": 0, "symbols": []})).is_ok());
    }
}
