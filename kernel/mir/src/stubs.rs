//! Code for what MIR has no instructions for. It is called as functions are, which tells MIR that memory may change.

use alloc::vec::Vec;

use bareflow_lir::Type;

/// What a function's code calls behind itself. Those that have a width are for integers of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stub {
    /// Stops.
    Trap,
    /// Orders memory.
    Fence,
    /// Of an address: what is there.
    Load(u32),
    /// Of an address and a value: puts it there; what was there.
    Exchange(u32),
    /// Of an address and a value: adds it; what was there.
    Add(u32),
    /// Of an address, a value and another: puts the other there if the value is; what was there.
    CompareExchange(u32),
}

const OPERAND_SIZE: u8 = 0x66;
const LOCK: u8 = 0xf0;
const REX_W: u8 = 0x48;
const RETURN: u8 = 0xc3;
/// `mov eax, esi` or, behind [`REX_W`], `mov rax, rsi`.
const MOVE_SECOND: [u8; 3] = [REX_W, 0x89, 0xf0];
/// Memory at RDI, and RAX or a part of it.
const AT_FIRST: u8 = 0x07;
/// Memory at RDI, and RDX or a part of it.
const AT_FIRST_WITH_THIRD: u8 = 0x17;

/// An instruction with one opcode for bytes, and the next one for wider words.
fn sized(prefixes: &[u8], opcode: &[u8], last: u8, bytes: u32, operand: u8) -> Vec<u8> {
    let mut code = Vec::new();
    if bytes == 2 {
        code.push(OPERAND_SIZE);
    }
    code.extend(prefixes);
    if bytes == 8 {
        code.push(REX_W);
    }
    code.extend(opcode);
    code.extend([if bytes == 1 { last } else { last + 1 }, operand]);
    code
}

impl Stub {
    pub(crate) fn load(ty: Type) -> Self {
        Self::Load(ty.bytes())
    }

    /// The System V convention: RDI, RSI, RDX, and RAX for the result.
    pub(crate) fn code(self) -> Vec<u8> {
        let mut code = Vec::new();
        match self {
            Self::Trap => code.extend([0x0f, 0x0b]),
            Self::Fence => code.extend([0x0f, 0xae, 0xf0]),
            Self::Load(bytes) => code.extend(sized(&[], &[], 0x8a, bytes, AT_FIRST)),
            Self::Exchange(bytes) => {
                code.extend(MOVE_SECOND);
                code.extend(sized(&[], &[], 0x86, bytes, AT_FIRST));
            }
            Self::Add(bytes) => {
                code.extend(MOVE_SECOND);
                code.extend(sized(&[LOCK], &[0x0f], 0xc0, bytes, AT_FIRST));
            }
            Self::CompareExchange(bytes) => {
                code.extend(MOVE_SECOND);
                code.extend(sized(&[LOCK], &[0x0f], 0xb0, bytes, AT_FIRST_WITH_THIRD));
            }
        }
        code.push(RETURN);
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As llvm-mc has them.
    #[test]
    fn stubs_are_as_the_assembler_makes_them() {
        for (stub, bytes) in [
            (Stub::Load(1), &[0x8a, 0x07, 0xc3][..]),
            (Stub::Load(2), &[0x66, 0x8b, 0x07, 0xc3]),
            (Stub::Load(8), &[0x48, 0x8b, 0x07, 0xc3]),
            (Stub::Exchange(4), &[0x48, 0x89, 0xf0, 0x87, 0x07, 0xc3]),
            (
                Stub::Add(1),
                &[0x48, 0x89, 0xf0, 0xf0, 0x0f, 0xc0, 0x07, 0xc3],
            ),
            (
                Stub::CompareExchange(2),
                &[0x48, 0x89, 0xf0, 0x66, 0xf0, 0x0f, 0xb1, 0x17, 0xc3],
            ),
            (
                Stub::CompareExchange(8),
                &[0x48, 0x89, 0xf0, 0xf0, 0x48, 0x0f, 0xb1, 0x17, 0xc3],
            ),
        ] {
            assert_eq!(stub.code(), bytes, "{stub:?}");
        }
    }
}
