//! What MIR does not know.

use alloc::format;

use bareflow_lir::{Error, Function, Operation, Passing, Signature, Type};

/// In so many registers results come back, of each kind.
const RESULT_REGISTERS: usize = 2;
/// A copy on the stack of more bytes takes too many instructions.
const MOST_COPIED_BYTES: u32 = 1024;

fn refused(kind: &str, what: &str) -> Error {
    Error::Refused(format!("{kind}: {what}"))
}

/// # Errors
/// [`Error::Refused`], by kind.
pub(crate) fn check(function: &Function) -> Result<(), Error> {
    if function.values.contains(&Type::I128) {
        return Err(refused("type", "128 bits"));
    }
    if function.signature.is_variadic {
        return Err(refused("variadic function", "a definition"));
    }
    check_signature(&function.signature)?;
    let bodies = function.blocks.iter();
    for instruction in bodies.flat_map(|block| &block.instructions) {
        match &instruction.operation {
            Operation::Call(_, signature, _) => check_signature(signature)?,
            Operation::FrameAddress => return Err(refused("intrinsic", "the frame's address")),
            Operation::ReturnAddress => return Err(refused("intrinsic", "the return address")),
            _ => {}
        }
    }
    Ok(())
}

fn check_signature(signature: &Signature) -> Result<(), Error> {
    let of_kind = |is_float| {
        let mut results = signature.results.iter();
        results
            .by_ref()
            .filter(|result| result.value.is_float() == is_float)
            .count()
    };
    if of_kind(false) > RESULT_REGISTERS || of_kind(true) > RESULT_REGISTERS {
        return Err(refused(
            "passing",
            "more results than there are registers for",
        ));
    }
    let mut parameters = signature.parameters.iter();
    let is_large = |passing| matches!(passing, Passing::Copied(bytes) if bytes > MOST_COPIED_BYTES);
    if parameters.any(|parameter| is_large(parameter.passing)) {
        return Err(refused("passing", "a copy of more than 1024 bytes"));
    }
    Ok(())
}
