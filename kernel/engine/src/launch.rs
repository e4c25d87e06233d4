//! From a bundle to an exit code: what every kernel does with the program it was given.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str;

use bareflow_bundle::{
    Bundle, DESTINATION, MODULE, PROFILE, SECRET, SEEN, SETTING, SNAPSHOT, TIER, TRANSLATE,
};
use bareflow_program_env::{arguments_of, report_error};
use bareflow_snapshot::{Destination, DestinationError, hash_of_modules, inspect};

use crate::{Config, EngineHost, FailureKind, Mode, Outcome, RunRequest, Tier, translation};

/// Runs the program in `bundle`, with the arguments of an overlay if it has any, to its end; prints the one line about a failure and returns the exit code.
#[must_use]
pub fn run_bundle(bundle: &[u8], overlay: &[u8], host: &mut dyn EngineHost) -> u8 {
    let outcome = run(bundle, overlay, host);
    bareflow_cxx_runtime::flush_streams();
    bareflow_cxx_runtime::commit_files();
    match outcome {
        // As in POSIX, the low 8 bits of the status are what others see.
        Outcome::Exit(status) => status as u8,
        Outcome::Failed { kind, message } => {
            report_error(&message);
            kind.exit_code()
        }
    }
}

pub(crate) fn bad_program(message: String) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::BadProgram,
        message,
    }
}

fn run(bytes: &[u8], overlay: &[u8], host: &mut dyn EngineHost) -> Outcome {
    let bundle = match Bundle::open(bytes) {
        Ok(bundle) => bundle,
        Err(error) => return bad_program(error.to_string()),
    };
    let translate = bundle.entries().find(|entry| entry.name == TRANSLATE);
    if let Some(generator) = translate {
        return translation::run(&bundle, generator.contents);
    }
    let mut mode = Mode::Automatic(Config::AUTOMATIC);
    let mut arguments = Vec::new();
    let mut profile = false;
    let mut snapshot = false;
    let mut secret = None;
    let mut destination = None;
    let mut seen = None;
    for entry in bundle.entries() {
        match (entry.name, str::from_utf8(entry.contents)) {
            (TIER, text) => match text.ok().and_then(Tier::from_name) {
                Some(tier) => mode = Mode::Fixed(tier),
                None => {
                    return bad_program(String::from("the program bundle names an unknown tier"));
                }
            },
            (SETTING, text) => {
                let Mode::Automatic(config) = &mut mode else {
                    return bad_program(String::from(
                        "the program bundle has settings of the tiers, and one tier for all",
                    ));
                };
                if let Err(error) = config.set(text.unwrap_or_default()) {
                    return bad_program(format!("a setting of the tiers: {error}"));
                }
            }
            (PROFILE, _) => profile = true,
            (SNAPSHOT, _) => snapshot = true,
            (SECRET, _) => match entry.contents.try_into() {
                Ok(bytes) => secret = Some(bytes),
                Err(_) => {
                    return bad_program(String::from("a secret for snapshots has 32 bytes"));
                }
            },
            (DESTINATION, text) => match text.ok().map(Destination::decode) {
                Some(Ok(found)) => destination = Some(found),
                _ => return bad_program(DestinationError.to_string()),
            },
            (SEEN, _) => match inspect(entry.contents) {
                Ok(snapshot) => seen = Some(snapshot),
                Err(refusal) => return bad_program(format!("what was seen: {refusal}")),
            },
            _ => {}
        }
    }
    for argument in arguments_of(&bundle, overlay) {
        match str::from_utf8(argument) {
            Ok(text) => arguments.push(text),
            Err(_) => {
                return bad_program(String::from("an argument of the program is not UTF-8"));
            }
        }
    }
    let modules: Vec<(&str, &[u8])> = bundle
        .with_prefix(MODULE)
        .map(|entry| (entry.name, entry.contents))
        .collect();
    if let Some(snapshot) = &seen
        && snapshot.keys.program_hash != hash_of_modules(&modules)
    {
        return bad_program(String::from("what was seen is of another program"));
    }
    let request = RunRequest {
        modules: &modules,
        arguments: &arguments,
        mode,
        profile,
        snapshot,
        secret,
        destination: destination.as_ref(),
        seen: seen.as_ref(),
    };
    crate::run(&request, host)
}
