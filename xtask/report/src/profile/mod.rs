//! Profiles: what a kernel measured while it ran a program, and how that is shown.
//!
//! The model is that of `docs/src/reference/profile.md`. All numbers are unsigned; cycles are those of the time
//! stamp counter, since the start of the program unless a field says otherwise.

mod complete;
mod figures;
pub mod page;
pub mod plot;
pub mod table;
pub mod trace;

use serde::Deserialize;

pub use complete::complete;

pub use bareflow_profile::{
    Boot, CallCycles, Compilation, Failure, Function, Part, RunProfile, SCHEMA, SampledSymbol,
};

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
    /// The levels in use are none, or not in their order.
    #[error("the list of levels is empty, or not in the order of the levels")]
    Levels,
    /// A rate by which times are computed is zero.
    #[error("{0} is 0; times cannot be computed")]
    ZeroRate(&'static str),
}

/// Reads a profile from its JSON text.
///
/// # Errors
/// See [`ProfileError`].
pub fn parse(text: &[u8]) -> Result<RunProfile, ProfileError> {
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
    let profile: RunProfile = serde_json::from_slice(text).map_err(refusal)?;
    if profile.functions.is_empty() {
        return Err(ProfileError::NoFunctions);
    }
    let levels = profile.levels.iter().map(|used| used.level.index());
    if profile.levels.is_empty() || !levels.is_sorted_by(|lower, higher| lower < higher) {
        return Err(ProfileError::Levels);
    }
    if profile.cycles_per_second == 0 {
        return Err(ProfileError::ZeroRate("cycles_per_second"));
    }
    if profile.samples.per_second == 0 && !profile.samples.symbols.is_empty() {
        return Err(ProfileError::ZeroRate("samples.per_second"));
    }
    Ok(profile)
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
mod tests {
    use bareflow_profile::KernelFlavour;
    use bareflow_tier_policy::{Level, Tier};
    use serde_json::{Value, json};

    use super::*;

    /// A profile with a bit of everything.
    pub const FIXTURE: &str = include_str!("../../fixtures/profile.json");

    /// The fixture as a profile.
    pub fn fixture() -> RunProfile {
        parse(FIXTURE.as_bytes()).unwrap()
    }

    /// The fixture with the value at a JSON pointer replaced.
    pub fn fixture_with(pointer: &str, value: Value) -> Result<RunProfile, ProfileError> {
        let mut document: Value = serde_json::from_str(FIXTURE).unwrap();
        *document.pointer_mut(pointer).unwrap() = value;
        parse(document.to_string().as_bytes())
    }

    fn message(result: Result<RunProfile, ProfileError>) -> String {
        let text = result.unwrap_err().to_string();
        assert!(!text.contains(char::is_control), "{text:?}");
        text
    }

    #[test]
    fn the_fixture_is_read_whole() {
        let profile = fixture();
        assert_eq!(profile.kernel, KernelFlavour::Machine);
        assert_eq!(
            profile
                .levels
                .iter()
                .map(|level| level.calls)
                .collect::<Vec<_>>(),
            [Some(2), Some(100), Some(5_000), Some(100_000)]
        );
        let fib = &profile.functions[0];
        assert_eq!(
            (fib.name.as_str(), fib.tier),
            ("fib", Tier::Native(Level::O3))
        );
        assert_eq!(fib.compilations[1].level, Level::O1);
        assert_eq!(
            profile.functions[1].loops[0].compilations[0].level,
            Level::O2
        );
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "profile", "{\"schema\": 4", "\u{1b}[31m", "{} {}"] {
            let text = message(parse(text.as_bytes()));
            assert!(
                text.starts_with("not JSON: ") || text.contains("missing field"),
                "{text}"
            );
        }
        assert!(message(parse(b"{\"schema\": 4, \"program\": \"\xff")).contains("JSON"));
    }

    #[test]
    fn another_schema_is_refused_whatever_else_it_holds() {
        assert_eq!(
            message(parse(b"{\"schema\": 9, \"news\": []}")),
            "a profile of schema 9; this command reads schema 4"
        );
        assert!(message(parse(b"[]")).contains("expected an object"));
        assert!(message(parse(b"{}")).contains("missing field `schema`"));
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
        assert!(message(fixture_with("/levels", json!([]))).contains("levels is empty"));
        let level = serde_json::from_str::<Value>(FIXTURE).unwrap()["levels"][0].clone();
        let twice = fixture_with("/levels", json!([level, level]));
        assert!(message(twice).contains("order of the levels"));
        assert!(
            message(fixture_with(
                "/functions/0/compilations/0/level",
                json!("interpreter")
            ))
            .contains("\"interpreter\", expected")
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
