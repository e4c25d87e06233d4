//! MIR, as `c/shim.c` has it: the only module that calls C.
//!
//! What MIR allocates is the C library's, and a [`Context`] gives all of it back. Whatever MIR finds wrong ends in
//! `bareflow_mir_failed`, which panics: nothing returns to the C code, whose memory belongs to whoever catches that.
#![expect(
    unsafe_code,
    reason = "calls MIR; every handle comes from the context that it is used with"
)]

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_void};
use core::ptr::{self, NonNull};
use core::slice;

/// Instructions, in the order of `codes` in `c/shim.c`; the names are MIR's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[rustfmt::skip]
pub(crate) enum Code {
    Mov,   Fmov,  Dmov,  Ext8,  Ext16, Ext32, Uext8, Uext16, Uext32,
    I2f,   I2d,   F2i,   D2i,   F2d,   D2f,   Fneg,   Dneg,
    Add,   Adds,  Fadd,  Dadd,  Sub,   Subs,  Fsub,  Dsub,   Mul,
    Muls,  Fmul,  Dmul,  Div,   Divs,  Udiv,  Udivs, Fdiv,   Ddiv,
    Mod,   Mods,  Umod,  Umods, And,   Or,    Xor,   Lsh,    Lshs,
    Rsh,   Rshs,  Ursh,  Urshs, Eq,    Eqs,   Feq,   Deq,    Ne,
    Nes,   Fne,   Dne,   Lt,    Lts,   Ult,   Ults,  Flt,    Dlt,
    Le,    Les,   Ule,   Ules,  Fle,   Dle,   Gt,    Gts,    Ugt,
    Ugts,  Fgt,   Dgt,   Ge,    Ges,   Uge,   Uges,  Fge,    Dge,
    Jmp,   Bt,    Bf,    Beq,   Ublt,  Ubgt,  Call,  Switch, Ret,
    Alloca,
}

/// Types, by the numbers of `MIR_type_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Type {
    U8 = 1,
    U16 = 3,
    U32 = 5,
    I64 = 6,
    Float = 8,
    Double = 9,
    /// A copy on the stack.
    Block = 12,
}

/// A register of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register(u32);

/// A name of a module: of a function, of something elsewhere, or of how something is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item(NonNull<c_void>);

/// A place in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(NonNull<c_void>);

const REGISTER: u32 = 0;
const INTEGER: u32 = 1;
const ITEM: u32 = 2;
const LABEL: u32 = 3;
const MEMORY: u32 = 4;

/// What an instruction works on.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Operand {
    kind: u32,
    ty: u32,
    register: u32,
    unused: u32,
    value: i64,
    pointer: *mut c_void,
}

impl Operand {
    const fn of(kind: u32) -> Self {
        Self {
            kind,
            ty: 0,
            register: 0,
            unused: 0,
            value: 0,
            pointer: ptr::null_mut(),
        }
    }

    pub(crate) const fn integer(value: i64) -> Self {
        Self {
            value,
            ..Self::of(INTEGER)
        }
    }

    /// Memory so many bytes behind the address in the register; of a block, its first bytes, so many.
    pub(crate) const fn memory(ty: Type, address: Register, bytes: i64) -> Self {
        Self {
            ty: ty as u32,
            register: address.0,
            value: bytes,
            ..Self::of(MEMORY)
        }
    }
}

impl From<Register> for Operand {
    fn from(register: Register) -> Self {
        Self {
            register: register.0,
            ..Self::of(REGISTER)
        }
    }
}

impl From<Item> for Operand {
    fn from(item: Item) -> Self {
        Self {
            pointer: item.0.as_ptr(),
            ..Self::of(ITEM)
        }
    }
}

impl From<Label> for Operand {
    fn from(label: Label) -> Self {
        Self {
            pointer: label.0.as_ptr(),
            ..Self::of(LABEL)
        }
    }
}

impl From<i64> for Operand {
    fn from(value: i64) -> Self {
        Self::integer(value)
    }
}

/// A parameter: its type, and of a block how many bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) ty: Type,
    pub(crate) bytes: u32,
}

#[repr(C)]
struct Argument {
    name: *const c_char,
    ty: u32,
    bytes: u32,
}

#[repr(C)]
struct Relocation {
    offset: usize,
    target: usize,
}

#[repr(C)]
struct Made {
    bytes: *mut u8,
    size: usize,
    relocations: *mut Relocation,
    count: usize,
}

/// Code of a function, as MIR makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    /// Instructions, tables and constants.
    pub(crate) bytes: Vec<u8>,
    /// Where in it addresses stand of bytes in it, and of which.
    pub(crate) own: Vec<(u32, u32)>,
}

unsafe extern "C" {
    fn bareflow_mir_open() -> *mut c_void;
    fn bareflow_mir_close(context: *mut c_void);
    fn bareflow_mir_import(context: *mut c_void, name: *const c_char, address: u64) -> *mut c_void;
    fn bareflow_mir_prototype(
        context: *mut c_void,
        name: *const c_char,
        results: *const u32,
        result_count: usize,
        arguments: *const Argument,
        count: usize,
        is_variadic: u32,
    ) -> *mut c_void;
    fn bareflow_mir_function(
        context: *mut c_void,
        name: *const c_char,
        results: *const u32,
        result_count: usize,
        arguments: *const Argument,
        count: usize,
    ) -> *mut c_void;
    fn bareflow_mir_argument(
        context: *mut c_void,
        function: *mut c_void,
        name: *const c_char,
    ) -> u32;
    fn bareflow_mir_register(
        context: *mut c_void,
        function: *mut c_void,
        ty: u32,
        name: *const c_char,
    ) -> u32;
    fn bareflow_mir_new_label(context: *mut c_void) -> *mut c_void;
    fn bareflow_mir_place_label(context: *mut c_void, function: *mut c_void, label: *mut c_void);
    fn bareflow_mir_append(
        context: *mut c_void,
        function: *mut c_void,
        code: u32,
        operands: *const Operand,
        count: usize,
    );
    fn bareflow_mir_end_function(context: *mut c_void);
    fn bareflow_mir_end_module(context: *mut c_void);
    fn bareflow_mir_generate(context: *mut c_void, function: *mut c_void, made: *mut Made);
    fn bareflow_mir_release(made: *mut Made);
}

/// MIR has found something wrong. The compilation ends with a panic, as there is no way back through MIR.
#[unsafe(no_mangle)]
extern "C" fn bareflow_mir_failed(format: *const c_char) -> ! {
    // SAFETY: the shim and MIR give literals.
    let format = unsafe { CStr::from_ptr(format) };
    panic!("MIR: {}", format.to_string_lossy());
}

fn handle(pointer: *mut c_void) -> NonNull<c_void> {
    NonNull::new(pointer).expect("MIR fails by a call, and not by what it returns")
}

fn c_name(prefix: char, number: usize) -> CString {
    let name = alloc::format!("{prefix}{number}");
    CString::new(name).expect("there is no zero in it")
}

/// A module under construction, and then its generator.
#[derive(Debug)]
pub(crate) struct Context(NonNull<c_void>);

impl Context {
    pub(crate) fn open() -> Self {
        // SAFETY: it has no conditions.
        Self(handle(unsafe { bareflow_mir_open() }))
    }

    fn raw(&self) -> *mut c_void {
        self.0.as_ptr()
    }

    /// Something elsewhere, of which MIR believes that it lies at the address.
    pub(crate) fn import(&mut self, number: usize, address: u64) -> Item {
        let name = c_name('i', number);
        // SAFETY: MIR keeps the name's text and not its address.
        Item(handle(unsafe {
            bareflow_mir_import(self.raw(), name.as_ptr(), address)
        }))
    }

    /// How something is called.
    pub(crate) fn prototype(
        &mut self,
        number: usize,
        results: &[Type],
        parameters: &[Parameter],
        is_variadic: bool,
    ) -> Item {
        let (name, results) = (c_name('p', number), numbers(results));
        let (_names, arguments) = arguments(parameters);
        // SAFETY: MIR copies what it is given.
        Item(handle(unsafe {
            bareflow_mir_prototype(
                self.raw(),
                name.as_ptr(),
                results.as_ptr(),
                results.len(),
                arguments.as_ptr(),
                arguments.len(),
                is_variadic.into(),
            )
        }))
    }

    /// Begins a function; its registers with the parameters.
    pub(crate) fn function(
        &mut self,
        number: usize,
        results: &[Type],
        parameters: &[Parameter],
    ) -> (Item, Vec<Register>) {
        let (name, results) = (c_name('f', number), numbers(results));
        let (names, arguments) = arguments(parameters);
        // SAFETY: MIR copies what it is given.
        let function = unsafe {
            bareflow_mir_function(
                self.raw(),
                name.as_ptr(),
                results.as_ptr(),
                results.len(),
                arguments.as_ptr(),
                arguments.len(),
            )
        };
        let registers = names.iter().map(|name| {
            // SAFETY: the function has a parameter of the name.
            Register(unsafe { bareflow_mir_argument(self.raw(), function, name.as_ptr()) })
        });
        let registers = registers.collect();
        (Item(handle(function)), registers)
    }

    /// A register of the function, which has no other of this number.
    pub(crate) fn register(&mut self, function: Item, ty: Type, number: usize) -> Register {
        let name = c_name('r', number);
        // SAFETY: the function is this context's, and MIR keeps the name's text and not its address.
        Register(unsafe {
            bareflow_mir_register(self.raw(), function.0.as_ptr(), ty as u32, name.as_ptr())
        })
    }

    pub(crate) fn label(&mut self) -> Label {
        // SAFETY: the context is there.
        Label(handle(unsafe { bareflow_mir_new_label(self.raw()) }))
    }

    /// Puts the label where the function ends at the moment; once.
    pub(crate) fn place(&mut self, function: Item, label: Label) {
        // SAFETY: both are this context's.
        unsafe {
            bareflow_mir_place_label(self.raw(), function.0.as_ptr(), label.0.as_ptr());
        }
    }

    pub(crate) fn append(&mut self, function: Item, code: Code, operands: &[Operand]) {
        // SAFETY: the function and the operands are this context's; MIR checks their number and their types.
        unsafe {
            bareflow_mir_append(
                self.raw(),
                function.0.as_ptr(),
                code as u32,
                operands.as_ptr(),
                operands.len(),
            );
        }
    }

    pub(crate) fn end_function(&mut self) {
        // SAFETY: the context is there; that a function is open is checked.
        unsafe { bareflow_mir_end_function(self.raw()) }
    }

    /// Ends the construction.
    pub(crate) fn end_module(self) -> Linked {
        // SAFETY: the context is there; that no function is open is checked.
        unsafe { bareflow_mir_end_module(self.raw()) };
        Linked(self)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody has a use for its handles without it.
        unsafe { bareflow_mir_close(self.raw()) }
    }
}

/// A module whose functions can be generated.
#[derive(Debug)]
pub(crate) struct Linked(Context);

impl Linked {
    /// The code of a function, once.
    pub(crate) fn generate(&mut self, function: Item) -> Generated {
        let mut made = Made {
            bytes: ptr::null_mut(),
            size: 0,
            relocations: ptr::null_mut(),
            count: 0,
        };
        // SAFETY: the function is this context's, and `made` is there while the call takes.
        unsafe { bareflow_mir_generate(self.0.raw(), function.0.as_ptr(), &raw mut made) };
        assert!(!made.bytes.is_null(), "MIR has made no code");
        // SAFETY: the shim has put so many there.
        let bytes = unsafe { slice::from_raw_parts(made.bytes, made.size) }.to_vec();
        let own = match NonNull::new(made.relocations) {
            // SAFETY: as above.
            Some(first) => unsafe { slice::from_raw_parts(first.as_ptr(), made.count) },
            None => &[],
        };
        let own = own
            .iter()
            .map(|one| (one.offset as u32, one.target as u32))
            .collect();
        // SAFETY: the shim has allocated it, and it was copied.
        unsafe { bareflow_mir_release(&raw mut made) };
        Generated { bytes, own }
    }
}

fn numbers(types: &[Type]) -> Vec<u32> {
    types.iter().map(|ty| *ty as u32).collect()
}

/// Parameters with names, which must be there as long as they are.
fn arguments(parameters: &[Parameter]) -> (Vec<CString>, Vec<Argument>) {
    let names: Vec<CString> = (0..parameters.len())
        .map(|index| c_name('a', index))
        .collect();
    let arguments = names.iter().zip(parameters).map(|(name, one)| Argument {
        name: name.as_ptr(),
        ty: one.ty as u32,
        bytes: one.bytes,
    });
    let arguments = arguments.collect();
    (names, arguments)
}
