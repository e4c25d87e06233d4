//! The compiler beside the program: a copy of the process, which makes objects.
//!
//! 1. Making an object takes the time, and changes nothing but LLVM's own memory. Placing one takes a fraction of it, and
//!    changes what the program runs by: the program does that itself. So whatever becomes of the copy, the program is
//!    whole, can compile for itself, and can make another copy.
//! 2. The copy reads what is counted where the program writes it. What else is written after it was made, neither sees of
//!    the other.
//! 3. Nobody waits for the copy. Code that the program cannot go on without it makes itself.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{c_int, c_void};
use core::ops::Range;
use core::ptr;
use core::slice;
use core::sync::atomic::Ordering::Acquire;

use bareflow_program_env::report_note;
use bareflow_tier_policy::exchange::{Answer, Exchange, Offer, Outcome, Request, Taken};

use crate::Companion;
use crate::bindings::{
    LLVM_OK, llvm_isolate, llvm_object_t, llvm_profile_t, llvm_tiered_make_object,
    llvm_tiered_share,
};
use crate::clock::now;
use crate::compile_guard::{self, WATCH_INTERVAL_US};
use crate::manager::compiler::{Cause, CompilerService};
use crate::manager::program::Program;
use crate::session::level_code;

/// After so many copies that have not ended by themselves there is no other one.
const MOST_LOSSES: u32 = 3;

/// A copy whose pulse does not beat while the program gets so much of a processor does not answer any more. One that
/// works has its pulse every 10 ms.
const SILENCE_NS: u64 = 2_000_000_000;

/// How often one looks at that: some ten milliseconds.
const LOOK_CYCLES: u64 = 1 << 26;

/// What the copy works with. It is used in the copy alone, where nobody else goes on: what the program's process has
/// borrowed there, it has borrowed of its own memory.
#[derive(Clone, Copy)]
struct Roots {
    compiler: *mut c_void,
    program: *mut Program,
}

/// The companion, and what it shares with the program.
pub(crate) struct Background {
    companion: &'static dyn Companion,
    shared: Option<Shared>,
    roots: Roots,
    is_started: bool,
    losses: u32,
    looked_at: u64,
    pulse: u64,
    /// How long the program had a processor when the pulse was seen to beat.
    pulse_ns: u64,
}

#[derive(Clone, Copy)]
struct Shared {
    exchange: &'static Exchange,
    ring: *mut u8,
    /// For each unit where what its code notes is.
    profiles: *mut llvm_profile_t,
}

impl Background {
    /// Nothing is started yet.
    pub(crate) const fn new(companion: &'static dyn Companion) -> Self {
        Self {
            companion,
            shared: None,
            roots: Roots {
                compiler: ptr::null_mut(),
                program: ptr::null_mut(),
            },
            is_started: false,
            losses: 0,
            looked_at: 0,
            pulse: 0,
            pulse_ns: 0,
        }
    }

    /// The requests, if the copy has been made.
    fn exchange(&self) -> Option<&'static Exchange> {
        let shared = self.shared.filter(|_| self.is_started)?;
        Some(shared.exchange)
    }

    /// Whether the unit's code is being made.
    pub(crate) fn is_asked_for(&self, unit: usize) -> bool {
        self.asked().any(|request| request.unit as usize == unit)
    }

    /// What has been asked for and is not there.
    pub(crate) fn asked(&self) -> impl Iterator<Item = Request> {
        let exchange = self.exchange().into_iter();
        exchange.flat_map(|exchange| exchange.all().map(|(request, _)| request))
    }

    /// Takes back what has been asked for. False if the copy works at it, or if it has not been asked for.
    pub(crate) fn withdraw(&self, unit: usize) -> bool {
        let mut exchange = self.exchange().into_iter();
        exchange.any(|exchange| exchange.withdraw(unit as u32))
    }

    /// Whether objects are made beside the program, or can be.
    pub(crate) const fn is_possible(&self) -> bool {
        self.losses < MOST_LOSSES
    }

    fn map(&mut self, unit_count: usize) -> Option<Shared> {
        if self.shared.is_none() {
            let exchange_bytes = size_of::<Exchange>().next_multiple_of(PAGE_BYTES);
            let profile_bytes = unit_count * size_of::<llvm_profile_t>();
            let profile_bytes = profile_bytes.next_multiple_of(PAGE_BYTES);
            let ring_bytes = self.companion.ring_size_bytes();
            let all_bytes = exchange_bytes + ring_bytes + profile_bytes;
            let start = self.companion.map_shared(all_bytes)?;
            // SAFETY: the pages are zeroed, which is an empty exchange, and stay for ever; all of it is atomic.
            let exchange = unsafe { &*ptr::with_exposed_provenance::<Exchange>(start) };
            let ring = ptr::with_exposed_provenance_mut(start + exchange_bytes);
            let profiles = start + exchange_bytes + ring_bytes;
            self.shared = Some(Shared {
                exchange,
                ring,
                profiles: ptr::with_exposed_provenance_mut(profiles),
            });
        }
        self.shared
    }

    /// Makes the copy. `counted` is what it reads while the program writes it.
    fn start(&mut self, counted: &[Range<usize>], roots: Roots) -> bool {
        self.roots = roots;
        let is_ready = counted.iter().all(|range| {
            // SAFETY: these are pages of the pool that the program writes, and nothing else does meanwhile.
            unsafe { self.companion.share(range.start, range.len()) }
        });
        let user = (&raw mut self.roots).cast();
        // SAFETY: the copy has what it works with for itself, and nobody goes on where the program is.
        if !is_ready || !unsafe { self.companion.start(serve, user) } {
            // Not to be tried again: there is too little memory.
            self.losses = MOST_LOSSES;
            return false;
        }
        self.is_started = true;
        self.listen();
        true
    }

    /// From now on the copy's pulse is to be heard.
    fn listen(&mut self) {
        self.looked_at = now();
        self.pulse_ns = self.companion.processor_ns();
    }

    /// Whether the copy has ended, or might as well have.
    fn is_lost(&mut self, exchange: &Exchange) -> bool {
        let moment = now();
        if moment.wrapping_sub(self.looked_at) < LOOK_CYCLES {
            return false;
        }
        self.looked_at = moment;
        if !self.companion.is_running() {
            return true;
        }
        let (pulse, ns) = (exchange.pulse(), self.companion.processor_ns());
        if pulse != self.pulse || exchange.all().next().is_none() {
            (self.pulse, self.pulse_ns) = (pulse, ns);
        }
        ns.saturating_sub(self.pulse_ns) > SILENCE_NS
    }
}

/// What is said of a copy that is gone, and of what it was compiling.
const LOST: &str = "the compiler beside the program has ended, or does not answer";

/// Of every page on this processor.
const PAGE_BYTES: usize = 4096;

unsafe extern "C" fn serve(roots: *mut c_void) {
    // SAFETY: `start` is given them, which are this process's own now.
    unsafe { llvm_isolate(Some(serve_isolated), roots) };
}

unsafe extern "C" fn serve_isolated(roots: *mut c_void) {
    // SAFETY: see `serve`. Whoever had borrowed them where the program is never goes on here.
    let (compiler, program) = unsafe {
        let roots = *roots.cast::<Roots>();
        (
            &mut *roots.compiler.cast::<CompilerService>(),
            &mut *roots.program,
        )
    };
    let Some(background) = &compiler.background else {
        return;
    };
    let (companion, Some(shared)) = (background.companion, background.shared) else {
        return;
    };
    compile_guard::set_pulse(shared.exchange.pulse_word());
    bareflow_cxx_runtime::platform().start_timer(WATCH_INTERVAL_US);
    loop {
        let seen = shared.exchange.offered().load(Acquire);
        let count = |unit| program.count_of(unit as usize);
        match shared.exchange.take(count) {
            Some(taken) => compiler.make_object(program, &taken, companion, shared),
            None => companion.wait(shared.exchange.offered(), seen),
        }
    }
}

/// Where the copy puts an answer.
struct Sink<'a> {
    taken: &'a Taken,
    companion: &'static dyn Companion,
    shared: Shared,
    start: u64,
    is_answered: bool,
}

impl Sink<'_> {
    fn answer(&mut self, outcome: Outcome, bytes: &[u8]) {
        let exchange = self.shared.exchange;
        let ring_bytes = self.companion.ring_size_bytes();
        let offset = loop {
            let seen = exchange.given_back().load(Acquire);
            if let Some(offset) = exchange.room_for(bytes.len(), ring_bytes) {
                break offset;
            }
            if bytes.len() > ring_bytes {
                return;
            }
            self.companion.wait(exchange.given_back(), seen);
        };
        // SAFETY: the exchange has found room there, inside the ring, and this process alone writes to it.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.shared.ring.add(offset), bytes.len());
        }
        let cycles = now() - self.start;
        exchange.answer_with(self.taken, outcome, bytes.len(), cycles);
        self.is_answered = true;
    }
}

unsafe extern "C" fn take_object(sink: *mut c_void, object: *const llvm_object_t) {
    // SAFETY: `make_object` passes its sink; the library passes an object, which is there meanwhile.
    let (sink, object, bytes) = unsafe {
        let (sink, object) = (&mut *sink.cast::<Sink>(), &*object);
        let bytes = slice::from_raw_parts(object.bytes.cast::<u8>(), object.size);
        (sink, object, bytes)
    };
    let outcome = match object.keeps_code {
        0 => Outcome::Object,
        _ => Outcome::LastingObject,
    };
    sink.answer(outcome, bytes);
}

// In the copy.
impl CompilerService<'_> {
    fn make_object(
        &self,
        program: &Program,
        taken: &Taken,
        companion: &'static dyn Companion,
        shared: Shared,
    ) {
        let mut sink = Sink {
            taken,
            companion,
            shared,
            start: now(),
            is_answered: false,
        };
        let Request { unit, level, .. } = taken.request;
        let config = self.rules.config;
        let handle = program.handle();
        let error = compile_guard::run(&config, || {
            // SAFETY: the program is open; the sink lives for the call.
            unsafe {
                llvm_tiered_make_object(
                    handle,
                    unit,
                    level_code(level),
                    Some(take_object),
                    (&raw mut sink).cast(),
                )
            }
        });
        if !sink.is_answered {
            let text = match self.session() {
                Some(session) if error != LLVM_OK => session.last_error(),
                _ => "the code is too large".into(),
            };
            let outcome = match Cause::of(error) {
                Cause::Failed => Outcome::Failed,
                Cause::TookTooLong => Outcome::TookTooLong,
                Cause::Refused => Outcome::Refused,
            };
            sink.answer(outcome, text.as_bytes());
        }
        // The program is to take it at once.
        program.record(unit as usize).call_at_next_count();
    }
}

// In the program.
impl CompilerService<'_> {
    /// Has the unit's code made beside the program. False if that cannot be done now.
    pub(super) fn ask_for(&mut self, program: &mut Program, request: Request) -> bool {
        let roots = Roots {
            compiler: ptr::from_mut(self).cast(),
            program: ptr::from_mut(program),
        };
        let Some(background) = &self.background else {
            return false;
        };
        if !background.is_possible() {
            return false;
        }
        if !background.is_started && !self.start_copy(program, roots) {
            self.rules.is_beside = false;
            return false;
        }
        let Some(background) = &mut self.background else {
            return false;
        };
        let Some(exchange) = background.exchange() else {
            return false;
        };
        let is_idle = exchange.all().next().is_none();
        match exchange.offer(request) {
            Offer::Added => {
                if is_idle {
                    background.listen();
                }
                background.companion.wake(exchange.offered());
            }
            // With no room, it will be due again.
            Offer::Merged | Offer::Full => {}
        }
        true
    }

    fn start_copy(&mut self, program: &Program, roots: Roots) -> bool {
        let unit_count = program.records().len();
        let is_first = self
            .background
            .as_ref()
            .is_some_and(|background| background.shared.is_none());
        let shared = self
            .background
            .as_mut()
            .and_then(|background| background.map(unit_count));
        let Some(shared) = shared else {
            return false;
        };
        if is_first {
            // SAFETY: the program is open; the table is zeroed, has a place for each unit, and stays for ever.
            unsafe { llvm_tiered_share(program.handle(), shared.profiles) };
        }
        let counted = program.counted_pages();
        self.background
            .as_mut()
            .is_some_and(|background| background.start(&counted, roots))
    }

    /// Takes what has been made.
    pub(super) fn take_objects(&mut self, program: &mut Program) {
        let Some(background) = &mut self.background else {
            return;
        };
        let Some(exchange) = background.exchange() else {
            return;
        };
        if !exchange.has_answer() {
            if background.is_lost(exchange) {
                self.lose_copy(program, exchange);
            }
            return;
        }
        self.take_answers(program, exchange);
    }

    fn take_answers(&mut self, program: &mut Program, exchange: &Exchange) {
        let Some(background) = &self.background else {
            return;
        };
        let (companion, shared) = (background.companion, background.shared);
        let Some(shared) = shared else { return };
        while exchange.has_answer() {
            let unit_count = program.records().len();
            let is_known = |answer: &Answer| (answer.request.unit as usize) < unit_count;
            let Some(answer) = exchange
                .answer(companion.ring_size_bytes())
                .filter(is_known)
            else {
                // The program has written there.
                self.lose_copy(program, exchange);
                return;
            };
            // SAFETY: the exchange has checked that the bytes are in the ring; the copy does not write there until they
            // are given back.
            let bytes =
                unsafe { slice::from_raw_parts(shared.ring.add(answer.offset), answer.size_bytes) };
            self.take_answer(program, &answer, bytes);
            exchange.give_back(&answer);
            companion.wake(exchange.given_back());
        }
    }

    fn take_answer(&mut self, program: &mut Program, answer: &Answer, bytes: &[u8]) {
        let Request { unit, level, .. } = answer.request;
        let unit = unit as usize;
        self.rules.spent_cycles += answer.cycles;
        self.rules.beside_cycles += answer.cycles;
        let object = llvm_object_t {
            bytes: bytes.as_ptr().cast(),
            size: bytes.len(),
            keeps_code: c_int::from(answer.outcome == Outcome::LastingObject),
        };
        let cause = match answer.outcome {
            Outcome::Object | Outcome::LastingObject => {
                self.link_guarded(program, unit, level, &object, answer.cycles);
                None
            }
            Outcome::Failed => Some(Cause::Failed),
            Outcome::TookTooLong => Some(Cause::TookTooLong),
            // It is due for the next level when it counts next.
            Outcome::Refused => Some(Cause::Refused),
        };
        if let Some(cause) = cause {
            let text = String::from_utf8_lossy(bytes).into_owned();
            Self::note_failure(&self.rules.config.levels, program, unit, level, text, cause);
        }
        program.record(unit).set_limits(&self.rules);
    }

    /// The copy has ended, or is ended because it does not answer.
    fn lose_copy(&mut self, program: &mut Program, exchange: &Exchange) {
        let Some(background) = &mut self.background else {
            return;
        };
        background.companion.stop();
        background.is_started = false;
        background.losses += 1;
        let is_beside = background.is_possible();
        let what = match is_beside {
            true => "the program goes on, and another one is started when code is due",
            false => "the program goes on, and compiles for itself",
        };
        report_note(&format!("{LOST}: {what}"));
        self.rules.is_beside = is_beside;
        let open: Vec<(Request, bool)> = exchange.all().collect();
        exchange.clear();
        let taken = open.into_iter().filter(|(_, is_taken)| *is_taken);
        for (request, _) in taken {
            let unit = request.unit as usize;
            if unit < program.records().len() {
                Self::note_failure(
                    &self.rules.config.levels,
                    program,
                    unit,
                    request.level,
                    LOST.into(),
                    Cause::TookTooLong,
                );
                program.record(unit).set_limits(&self.rules);
            }
        }
    }

    /// Ends the copy: from now on the program compiles for itself.
    pub(super) fn stop_background(&mut self, program: &mut Program) {
        let Some(background) = &mut self.background else {
            return;
        };
        background.companion.abandon();
        let exchange = background.exchange();
        if let Some(exchange) = exchange {
            self.take_answers(program, exchange);
        }
        if let Some(background) = &mut self.background {
            background.is_started = false;
            background.losses = MOST_LOSSES;
        }
        self.rules.is_beside = false;
    }
}
