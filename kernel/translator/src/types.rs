//! Types as scalars.

use alloc::format;
use alloc::vec::Vec;

use bareflow_lir::Type;

use crate::llvm::{self, Layout, TypeKind};
use crate::{Refusal, RefusalKind, refuse};

/// An aggregate that has more elements is not taken apart.
const MOST_LEAVES: usize = 64;
/// Addresses.
pub(crate) const POINTER: Type = Type::I64;

/// A scalar in a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) value: Type,
    /// Of an integer: how many bits of the value mean something, the rest being zero.
    pub(crate) bits: u32,
    /// Where it lies in memory, in bytes from the start.
    pub(crate) offset: u64,
}

impl Leaf {
    /// Whether it is an integer that does not fill its type.
    pub(crate) fn is_narrow(self) -> bool {
        self.bits < self.value.bits()
    }

    /// Whether what lies in memory is what the type takes.
    pub(crate) fn lies_in_memory(self) -> bool {
        self.bits.div_ceil(8) == self.value.bytes()
    }

    /// Integers that what lies in memory consists of, the lowest first, and how many bytes behind its beginning.
    pub(crate) fn pieces(self) -> impl Iterator<Item = (Type, u32)> {
        let mut bits = self.bits.div_ceil(8) * 8;
        let mut start = 0;
        core::iter::from_fn(move || {
            let sizes = [Type::I64, Type::I32, Type::I16, Type::I8];
            let piece = sizes.into_iter().find(|size| size.bits() <= bits)?;
            let place = start;
            bits -= piece.bits();
            start += piece.bytes();
            Some((piece, place))
        })
    }
}

/// The scalar that a type is.
pub(crate) fn leaf_of(ty: llvm::Type) -> Result<Leaf, Refusal> {
    let leaf = |value, bits| {
        Ok(Leaf {
            value,
            bits,
            offset: 0,
        })
    };
    match ty.kind() {
        TypeKind::Float => leaf(Type::F32, 32),
        TypeKind::Double => leaf(Type::F64, 64),
        TypeKind::Pointer => leaf(POINTER, POINTER.bits()),
        TypeKind::Integer(bits) => match Type::of_bits(bits) {
            Some(value) => leaf(value, bits),
            None => refuse(RefusalKind::Type, format!("i{bits}")),
        },
        TypeKind::Struct | TypeKind::Array | TypeKind::Vector | TypeKind::Void => refuse(
            RefusalKind::Aggregate,
            "an aggregate in the place of a scalar",
        ),
        TypeKind::Other(kind) => {
            let name = match kind {
                1 => "half",
                4 => "x86_fp80",
                5 => "fp128",
                18 => "bfloat",
                _ => "one that is no scalar",
            };
            refuse(RefusalKind::Type, name)
        }
    }
}

/// All scalars in a type, in order; none of `void`.
pub(crate) fn leaves_of(ty: llvm::Type, layout: Layout) -> Result<Vec<Leaf>, Refusal> {
    let mut leaves = Vec::new();
    add_leaves(ty, layout, 0, &mut leaves)?;
    Ok(leaves)
}

fn add_leaves(
    ty: llvm::Type,
    layout: Layout,
    offset: u64,
    leaves: &mut Vec<Leaf>,
) -> Result<(), Refusal> {
    let kind = ty.kind();
    match kind {
        TypeKind::Void => {}
        TypeKind::Struct | TypeKind::Array | TypeKind::Vector => {
            for index in 0..ty.element_count() {
                let element = ty.element(index);
                let place = match kind {
                    TypeKind::Struct => layout.offset(ty, index),
                    TypeKind::Array => index * layout.size(element),
                    _ => index * u64::from(leaf_of(element)?.bits.div_ceil(8)),
                };
                add_leaves(element, layout, offset + place, leaves)?;
                if leaves.len() > MOST_LEAVES {
                    return refuse(RefusalKind::Aggregate, "one of very many elements");
                }
            }
        }
        _ => leaves.push(Leaf {
            offset,
            ..leaf_of(ty)?
        }),
    }
    Ok(())
}

/// As above, of what is read from memory or written to it.
pub(crate) fn leaves_in_memory(ty: llvm::Type, layout: Layout) -> Result<Vec<Leaf>, Refusal> {
    match is_packed(ty) {
        true => refuse(RefusalKind::Type, "bits of a vector in memory"),
        false => leaves_of(ty, layout),
    }
}

/// Whether there is a vector in it whose elements do not fill bytes.
fn is_packed(ty: llvm::Type) -> bool {
    match ty.kind() {
        TypeKind::Vector => {
            matches!(ty.element(0).kind(), TypeKind::Integer(bits) if bits % 8 != 0)
        }
        TypeKind::Struct => (0..ty.element_count()).any(|index| is_packed(ty.element(index))),
        TypeKind::Array => ty.element_count() != 0 && is_packed(ty.element(0)),
        _ => false,
    }
}

/// How many scalars a type has.
pub(crate) fn leaf_count(ty: llvm::Type, layout: Layout) -> Result<usize, Refusal> {
    Ok(match ty.kind() {
        TypeKind::Struct | TypeKind::Array | TypeKind::Vector => leaves_of(ty, layout)?.len(),
        TypeKind::Void => 0,
        _ => 1,
    })
}
