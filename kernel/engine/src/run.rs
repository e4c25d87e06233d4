//! A run: the modules of a program, or a snapshot of it, and what becomes of them.

use alloc::format;
use alloc::string::ToString;
use core::mem;

use bareflow_program_env::report_note;
use bareflow_tier_policy::{LEVELS, LevelSet, Policy};

use crate::bindings::llvm_run_main;
use crate::clock::now;
use crate::compile_guard::{self, WATCH_INTERVAL_US};
use crate::manager::{Background, Running};
use crate::profile::{Measured, Recording};
use crate::session::{Opening, Session, c_arguments, tier_code};
use crate::snapshot::SnapshotService;
use crate::{
    Config, EngineHost, FailureKind, Level, Mode, Outcome, POOL_SIZE_BYTES, RunRequest, Tier, flow,
    integrity,
};

/// Whether the program runs on stacks of its own: names are bytes of bitcode and of text. Nothing may be compiled on
/// such a stack, which is too small for that, and what the interpreter runs is on none.
fn switches_stacks(request: &RunRequest) -> bool {
    const NAME: &[u8] = b"makecontext";
    let mut modules = request.modules.iter();
    modules.any(|(_, bytes)| bytes.windows(NAME.len()).any(|window| window == NAME))
}

/// Whether there are snapshots of such a program.
fn can_be_kept(request: &RunRequest) -> bool {
    matches!(request.mode, Mode::Automatic(_)) && !switches_stacks(request)
}

/// Parses, links and runs; or compiles for another kernel, or tells what was seen.
pub(crate) fn run(request: &RunRequest, host: &mut dyn EngineHost) -> Result<i32, Outcome> {
    if (request.destination.is_some() || request.seen.is_some()) && !can_be_kept(request) {
        return Err(Outcome::Failed {
            kind: FailureKind::BadProgram,
            message: "a program in one tier, or with stacks of its own, has no snapshots"
                .to_string(),
        });
    }
    match request.mode {
        Mode::Fixed(Tier::Interpreter) if switches_stacks(request) => {
            run_in_one_tier(Tier::Native(Level::LOWEST_FOR_ALL), request)
        }
        Mode::Automatic(_) if switches_stacks(request) => {
            run_in_one_tier(Tier::Native(Level::of_whole_programs()), request)
        }
        // What the level refuses goes to another one, function by function.
        Mode::Fixed(Tier::Native(level)) if level.can().may_refuse => {
            run_in_tiers(Config::at_once(level), request, host)
        }
        Mode::Fixed(tier) => run_in_one_tier(tier, request),
        Mode::Automatic(config) => run_in_tiers(config, request, host),
    }
}

fn run_in_one_tier(tier: Tier, request: &RunRequest) -> Result<i32, Outcome> {
    integrity::set_canaries();
    let session = Session::open(&Opening {
        pool_size_bytes: POOL_SIZE_BYTES,
        destination: None,
        has_one_level: tier != Tier::Interpreter,
        levels: LevelSet::LLVM,
        refusing: [false; LEVELS.len()],
    })?;
    let program = session.parse_all(request.modules)?;
    let mut arguments = c_arguments(request.arguments)?;
    let mut status = 0;
    // SAFETY: the module belongs to the open context; the strings live for the call, and the program gets copies of
    // them.
    session.check(unsafe {
        llvm_run_main(
            program,
            tier_code(tier),
            arguments.count(),
            arguments.pointers().cast_const().cast(),
            &mut status,
        )
    })?;
    // As with the tiers below: nothing runs after the program.
    mem::forget(session);
    Ok(status)
}

/// The companion that is to compile, if there is one and the settings want it; by themselves they do where it has a
/// processor for itself and costs decide: counts say exactly when there is what code.
fn background(config: &Config, host: &dyn EngineHost) -> Option<Background> {
    let is_possible = config.policy == Policy::Costs || config.background == Some(true);
    if config.background == Some(false) || !is_possible {
        return None;
    }
    match (host.companion(), config.background) {
        (Ok(companion), None) if companion.processor_count() < 2 => None,
        (Ok(companion), _) => Some(Background::new(companion)),
        (Err(_), None) => None,
        (Err(reason), _) => {
            report_note(&format!(
                "background=1: {reason}: the program compiles for itself"
            ));
            None
        }
    }
}

fn run_in_tiers(
    config: Config,
    request: &RunRequest,
    host: &mut dyn EngineHost,
) -> Result<i32, Outcome> {
    if request.seen.is_some() {
        let running = Running::open(request, config, None, None)?;
        let result = flow::write(&running.manager());
        // Nothing runs after it.
        mem::forget(running);
        return result.map(|()| 0);
    }
    let kernel = host.kernel();
    let background = background(&config, host);
    let snapshots = match can_be_kept(request) {
        true => SnapshotService::open(host, request, &config),
        false => None,
    };
    let running = Running::open(request, config, snapshots, background)?;
    compile_guard::prepare(&config);
    integrity::set_canaries();
    if config.compile_ms.is_some() {
        bareflow_cxx_runtime::platform().start_timer(WATCH_INTERVAL_US);
    }
    if let Some(destination) = request.destination {
        let result = running.manager().compile_for(destination);
        // Nothing runs after it either.
        mem::forget(running);
        return result.map(|()| 0);
    }
    let recording = request.profile.then(Recording::start);
    let start = now();
    let result = running.run_main();
    let run_cycles = now() - start;
    let mut manager = running.manager();
    let measured = recording.map(|recording| recording.stop(&manager));
    if result.is_ok() {
        let samples = measured.as_ref().map(Measured::samples);
        manager.persist(run_cycles, samples);
    }
    if let Some(measured) = measured {
        measured.write(&mut manager, &config, request, kernel);
    }
    // Nothing runs after the program: taking its IR apart, instruction by instruction, would only delay the end.
    drop(manager);
    mem::forget(running);
    result
}
