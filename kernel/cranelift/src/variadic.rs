//! Functions that take a variable number of arguments, of which Cranelift knows nothing: stubs stand between its code and
//! x86-64's convention (the [System V ABI](https://gitlab.com/x86-psABIs/x86-64-ABI), "Variable Argument Lists").
//!
//! 1. A caller says in AL how many vector registers hold arguments at most. It calls a stub that says so: one for each
//!    function by name, or one for each place where the address of a function comes as an argument behind all others.
//! 2. Before the code of a definition stands a stub that saves all registers of arguments, makes a `va_list` of them, and
//!    calls the code with the address of that as a parameter behind all others.

use alloc::vec::Vec;

use bareflow_lir::{Parameter, Passing, Signature, Type};

use crate::Error;

/// Of x86-64's arguments, so many are in vector registers at most.
const VECTOR_REGISTERS: u8 = 8;
/// Registers of integer arguments, as instructions encode them: rdi, rsi, rdx, rcx, r8 and r9.
const REGISTERS: [u8; 6] = [7, 6, 2, 1, 8, 9];
const WORD: u32 = 8;
/// Between the arguments on the stack and the stack's pointer, when a function starts.
const RETURN_ADDRESS: u32 = 8;

/// The stub by name, and where in it the distance to the function stands.
pub(crate) const STUB: [u8; 7] = [0xb0, VECTOR_REGISTERS, 0xe9, 0, 0, 0, 0];
pub(crate) const DISTANCE: u32 = 3;

/// How many registers of a kind parameters take if there are enough, and bytes on the stack if all are known to be there.
#[derive(Default)]
struct Places {
    ints: u32,
    floats: u32,
    stack: u32,
    has_wide: bool,
}

fn places_of(parameters: &[Parameter]) -> Places {
    let mut places = Places::default();
    for parameter in parameters {
        match (parameter.passing, parameter.value) {
            (Passing::Copied(bytes), _) => places.stack += bytes,
            (_, Type::F32 | Type::F64) => places.floats += 1,
            (_, Type::I128) => {
                places.ints += 2;
                places.has_wide = true;
            }
            _ => places.ints += 1,
        }
    }
    places
}

/// Where the address of the function comes in that is called: a register of arguments by its number, or so many bytes
/// above the stack's pointer, which are more than there are registers.
///
/// # Errors
/// [`Error::Refused`]: it may be anywhere.
pub(crate) fn place_of_address(signature: &Signature) -> Result<u32, Error> {
    let places = places_of(&signature.parameters);
    let registers = REGISTERS.len() as u32;
    if places.ints < registers {
        return Ok(places.ints);
    }
    if places.has_wide {
        return Err(Error::Refused("passing: 128 bits on the stack".into()));
    }
    let ints = places.ints - registers;
    let floats = places.floats.saturating_sub(VECTOR_REGISTERS.into());
    Ok(RETURN_ADDRESS + places.stack + (ints + floats) * WORD)
}

/// The stub that calls the function whose address comes in there.
pub(crate) fn stub_by_address(place: u32) -> Vec<u8> {
    let mut code = Vec::new();
    match REGISTERS.get(place as usize) {
        // mov r11, register
        Some(register) => code.extend([
            0x49 | (register >> 3) << 2,
            0x89,
            0xc3 | (register & 7) << 3,
        ]),
        // mov r11, [rsp + place]
        None => {
            code.extend([0x4c, 0x8b, 0x9c, 0x24]);
            code.extend(place.to_le_bytes());
        }
    }
    // mov al, 8; jmp r11
    code.extend([0xb0, VECTOR_REGISTERS, 0x41, 0xff, 0xe3]);
    code
}

/// Of the stub's frame: registers of integers, then of vectors, and behind them the list.
const VECTORS: u32 = REGISTERS.len() as u32 * WORD;
const LIST: u32 = VECTORS + VECTOR_REGISTERS as u32 * 16;
/// A multiple of 16, as the stack's pointer is at calls.
const FRAME: u32 = (LIST + LIST_BYTES).next_multiple_of(16);
/// A `va_list`: two offsets of 32 bits, and two addresses.
pub(crate) const LIST_BYTES: u32 = 24;

/// What stands before the code of a definition, and leads there.
///
/// # Errors
/// [`Error::Refused`]: parameters may be on the stack.
pub(crate) fn entry(signature: &Signature, alignment: usize) -> Result<Vec<u8>, Error> {
    let places = places_of(&signature.parameters);
    let Some(next) = REGISTERS.get(places.ints as usize) else {
        return Err(Error::Refused(
            "variadic function: parameters on the stack".into(),
        ));
    };
    if places.stack != 0 || places.floats > VECTOR_REGISTERS.into() {
        return Err(Error::Refused(
            "variadic function: parameters on the stack".into(),
        ));
    }
    let mut code = Vec::new();
    // push rbp; mov rbp, rsp; sub rsp, FRAME
    code.extend([0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xec]);
    code.extend(FRAME.to_le_bytes());
    for (register, place) in REGISTERS.into_iter().zip((0..).step_by(WORD as usize)) {
        // mov [rsp + place], register
        code.extend([0x48 | (register >> 3) << 2, 0x89]);
        code.extend(behind_stack_pointer(register, place));
    }
    for register in 0..VECTOR_REGISTERS {
        // movups [rsp + place], xmm
        code.extend([0x0f, 0x11]);
        code.extend(behind_stack_pointer(
            register,
            VECTORS + u32::from(register) * 16,
        ));
    }
    for (place, offset) in [
        (LIST, places.ints * WORD),
        (LIST + 4, VECTORS + places.floats * 16),
    ] {
        // mov dword [rsp + place], offset
        code.push(0xc7);
        code.extend(behind_stack_pointer(0, place));
        code.extend(offset.to_le_bytes());
    }
    // lea rax, [rbp + 16]; mov [rsp + LIST + 8], rax; mov [rsp + LIST + 16], rsp
    code.extend([0x48, 0x8d, 0x45, 0x10, 0x48, 0x89]);
    code.extend(behind_stack_pointer(0, LIST + 8));
    code.extend([0x48, 0x89]);
    code.extend(behind_stack_pointer(4, LIST + 16));
    // lea next, [rsp + LIST]
    code.extend([0x48 | (next >> 3) << 2, 0x8d]);
    code.extend(behind_stack_pointer(*next, LIST));
    // call what follows, at the next place that is aligned; leave; ret
    const END: usize = 7;
    let whole = (code.len() + END).next_multiple_of(alignment);
    let distance = whole - (code.len() + END - 2);
    code.push(0xe8);
    code.extend((distance as u32).to_le_bytes());
    code.extend([0xc9, 0xc3]);
    code.resize(whole, 0xcc);
    Ok(code)
}

/// The operands of an instruction: a register, and memory so many bytes above the stack's pointer.
fn behind_stack_pointer(register: u8, bytes: u32) -> [u8; 6] {
    let [a, b, c, d] = bytes.to_le_bytes();
    [0x84 | (register & 7) << 3, 0x24, a, b, c, d]
}
