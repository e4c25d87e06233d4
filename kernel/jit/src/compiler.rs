//! The compiler, and what calls it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::ffi::c_void;
use core::fmt;
use core::mem;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use bareflow_cxx_runtime::platform;
use bareflow_cxx_runtime::platform::{PlatformError, Protection};
use bareflow_lir::{Block, Error, Function, continuation, count};
use bareflow_machine_code::Target;
use bareflow_program_env::{FailureKind, report_error, report_note};
use bareflow_reentry::Reentrant;

use crate::code_memory::CodeMemory;
use crate::generator::{Effort, Generate, Generator};
use crate::{arch, program};

/// Of the compiler, with a guard below it.
const STACK_BYTES: usize = 1 << 20;

/// What code is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A function, as fast as possible, so that it counts.
    Counting(u32),
    /// The same by the optimiser.
    Whole(u32),
    /// The rest of it from a block on, by the optimiser.
    Rest(u32, Block),
}

impl Part {
    const fn function(self) -> u32 {
        match self {
            Self::Counting(function) | Self::Whole(function) | Self::Rest(function, _) => function,
        }
    }

    const fn effort(self) -> Effort {
        match self {
            Self::Counting(_) => Effort::Least,
            Self::Whole(_) | Self::Rest(..) => Effort::Most,
        }
    }
}

#[derive(Debug)]
struct Compiler {
    fast: Option<Generator>,
    good: Option<Generator>,
    memory: CodeMemory,
    /// Where code begins; none where there can be none.
    made: BTreeMap<Part, Option<usize>>,
    /// By where code begins: where it ends, and of which function it is.
    places: BTreeMap<usize, (usize, u32)>,
}

struct Shared(Reentrant<Compiler>);

// SAFETY: there is one thread. Handlers of faults only read, when no code is being made.
unsafe impl Sync for Shared {}

static COMPILER: Shared = Shared(Reentrant::new(Compiler {
    fast: None,
    good: None,
    memory: CodeMemory::NONE,
    made: BTreeMap::new(),
    places: BTreeMap::new(),
}));

/// The end of the compiler's stack; 0 before there is one.
static STACK_TOP: AtomicUsize = AtomicUsize::new(0);
static IS_COMPILING: AtomicBool = AtomicBool::new(false);

/// Why there is no code.
#[derive(Debug)]
enum Failure {
    Generator(String),
    Memory,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generator(reason) => formatter.write_str(reason),
            Self::Memory => formatter.write_str("there is no memory for code"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(reason) | Error::Failed(reason) => Self::Generator(reason),
        }
    }
}

impl Compiler {
    /// The code of the part, which is made if it is not there.
    fn code(&mut self, part: Part) -> Result<Option<usize>, Failure> {
        if let Some(known) = self.made.get(&part) {
            return Ok(*known);
        }
        // What is left in the middle of this is not tried again.
        self.made.insert(part, None);
        let number = part.function();
        let function =
            program::function(number).map_err(|error| Failure::Generator(error.to_string()))?;
        let function = match part {
            Part::Counting(_) if Generator::HAS_TIERS => {
                Some(count(&function, program::hooks(number)))
            }
            Part::Rest(_, header) if Generator::HAS_TIERS => continuation(&function, header),
            Part::Counting(_) | Part::Rest(..) => None,
            Part::Whole(_) => Some(function),
        };
        let Some(function) = function else {
            return Ok(None);
        };
        let address = self.make(&function, number, part.effort())?;
        self.made.insert(part, Some(address));
        Ok(Some(address))
    }

    fn make(&mut self, function: &Function, number: u32, effort: Effort) -> Result<usize, Failure> {
        let generator = match effort {
            Effort::Least => &mut self.fast,
            Effort::Most => &mut self.good,
        };
        // It is given back when it has made code: one that was left in the middle is not used again.
        let mut used = match generator.take() {
            Some(generator) => generator,
            None => Generator::open(effort)?,
        };
        let mut code = used.code(function)?;
        *generator = Some(used);
        let address = self.memory.place(code.bytes.len(), code.alignment);
        let address = address.map_err(|_| Failure::Memory)?;
        let resolve = |target| match target {
            Target::Symbol(symbol) => program::address_of(symbol),
            Target::Library(name) => program::library_address(name),
            Target::Own(offset) => Some(address as u64 + u64::from(offset)),
        };
        code.place(address as u64, resolve)
            .map_err(|error| Failure::Generator(error.to_string()))?;
        let written = self.memory.write(address, &code.bytes);
        written.map_err(|_| Failure::Memory)?;
        self.places
            .insert(address, (address + code.bytes.len(), number));
        Ok(address)
    }
}

/// What is asked of the compiler, and what it says.
struct Request {
    part: Part,
    result: Result<Option<usize>, Failure>,
}

unsafe extern "C" fn answer(request: *mut c_void) {
    // SAFETY: `compile` passes one, and waits.
    let request = unsafe { &mut *request.cast::<Request>() };
    request.result = COMPILER.0.enter().code(request.part);
}

/// Has the compiler make code, on its own stack.
fn compile(part: Part) -> Result<Option<usize>, Failure> {
    let mut request = Request {
        part,
        result: Err(Failure::Generator(
            "the code generator has failed".to_string(),
        )),
    };
    let argument = (&raw mut request).cast();
    IS_COMPILING.store(true, Relaxed);
    // SAFETY: the stack is the compiler's, which runs once at a time; the request lives. What is left stays borrowed in
    // frames that are gone.
    unsafe {
        COMPILER
            .0
            .run(|| arch::call_on(STACK_TOP.load(Relaxed), answer, argument))
    };
    IS_COMPILING.store(false, Relaxed);
    mem::replace(&mut request.result, Ok(None))
}

/// Code that the program can do without; 0 if it has to.
fn better(part: Part) -> usize {
    let code = compile(part).unwrap_or_else(|failure| {
        let name = program::name(part.function());
        report_note(&format!("{name} keeps its slow code: {failure}"));
        None
    });
    if code.is_none() {
        program::stop_counting(part.function());
    }
    code.unwrap_or(0)
}

/// The code of a function that has none yet; see `bareflow_jit_enter`.
pub(crate) extern "C" fn first(function: u64) -> usize {
    let function = function as u32;
    let whole = || compile(Part::Whole(function));
    let code = match Generator::HAS_TIERS {
        true => compile(Part::Counting(function)).or_else(|_| whole()),
        false => whole(),
    };
    let failure = match code {
        Ok(Some(code)) => {
            program::set_code(function, code);
            return code;
        }
        Ok(None) => "the code generator has failed".to_string(),
        Err(failure) => failure.to_string(),
    };
    let name = program::name(function);
    bareflow_cxx_runtime::flush_streams();
    report_error(&format!("there is no code of {name}: {failure}"));
    platform().exit(FailureKind::Internal.exit_code().into())
}

/// A function has been called often.
pub(crate) extern "C" fn entered(function: u64) {
    let function = function as u32;
    match better(Part::Whole(function)) {
        0 => {}
        code => program::set_code(function, code),
    }
}

/// A loop has gone round often: where the rest of its function goes on; 0 if it stays where it is.
pub(crate) extern "C" fn looped(function: u64, header: u64) -> usize {
    better(Part::Rest(function as u32, Block(header as u32)))
}

/// Gets what compiling needs. To be called once, before the program runs.
///
/// # Errors
/// That there is no memory.
pub fn start() -> Result<(), PlatformError> {
    let page = platform().page_size_bytes();
    let stack = platform().map_pages(page + STACK_BYTES, Protection::READ | Protection::WRITE)?;
    // SAFETY: the page is fresh, and nobody's.
    unsafe { platform().protect_pages(stack, page, Protection::NONE) }?;
    STACK_TOP.store(stack + page + STACK_BYTES, Relaxed);
    Ok(())
}

/// Whether a fault, or a panic, is the compiler's.
#[must_use]
pub fn is_compiling() -> bool {
    IS_COMPILING.load(Relaxed)
}

/// Goes on as if the compiler had refused what it was asked for.
///
/// # Safety
/// [`is_compiling`]; nothing of what the compiler has begun is used afterwards.
pub unsafe extern "C" fn leave_compiler() -> ! {
    // SAFETY: the caller's promise.
    unsafe { arch::leave() }
}

/// The function whose code is at the address, and how far behind its beginning that is.
#[must_use]
pub fn function_at(address: usize) -> Option<(&'static str, usize)> {
    if is_compiling() {
        return None;
    }
    let compiler = COMPILER.0.enter();
    let (start, (end, function)) = compiler.places.range(..=address).next_back()?;
    (address < *end).then(|| (program::name(*function), address - start))
}
