//! LLVM's C API (`llvm-c/Core.h`, `llvm-c/Target.h`, `llvm-c/BitReader.h`), as far as reading a module needs it.
//!
//! The declarations are those of LLVM 18's headers. The crate `llvm-sys` has them too, but is not `no_std`: a kernel that
//! depends on it gets a second panic handler.

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::ffi::{CStr, c_char, c_uint};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// Something that LLVM owns.
#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}

type Raw = *mut Opaque;

macro_rules! handle {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name<'a>(NonNull<Opaque>, PhantomData<&'a Opaque>);

        impl $name<'_> {
            fn of(raw: Raw) -> Option<Self> {
                NonNull::new(raw).map(|raw| Self(raw, PhantomData))
            }

            fn raw(self) -> Raw {
                self.0.as_ptr()
            }
        }
    };
}

macro_rules! always_there {
    ($($name:ident),*) => {
        $(impl $name<'_> {
            /// What LLVM promises to be there.
            fn known(raw: Raw) -> Self {
                Self::of(raw).expect("LLVM's IR is whole")
            }
        })*
    };
}

impl core::fmt::Debug for Opaque {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("LLVM's")
    }
}

handle! {
    /// A module, which nobody changes while it is read.
    Module
}
handle! {
    /// A value: an instruction, a constant, a function, a block as an operand.
    Value
}
handle! {
    /// A type.
    Type
}
handle! {
    /// A block.
    Block
}
handle! {
    /// An attribute.
    Attribute
}
handle! {
    /// How types lie in memory.
    Layout
}

always_there!(Block, Layout, Type, Value);

#[rustfmt::skip]
unsafe extern "C" {
    fn LLVMGetFirstFunction(module: Raw) -> Raw;
    fn LLVMGetNextFunction(function: Raw) -> Raw;
    fn LLVMGetFirstGlobal(module: Raw) -> Raw;
    fn LLVMGetNextGlobal(variable: Raw) -> Raw;
    fn LLVMGetFirstGlobalAlias(module: Raw) -> Raw;
    fn LLVMGetNextGlobalAlias(alias: Raw) -> Raw;
    fn LLVMAliasGetAliasee(alias: Raw) -> Raw;
    fn LLVMGetFirstGlobalIFunc(module: Raw) -> Raw;
    fn LLVMGetNextGlobalIFunc(ifunc: Raw) -> Raw;
    fn LLVMGetGlobalIFuncResolver(ifunc: Raw) -> Raw;
    fn LLVMContextCreate() -> Raw;
    fn LLVMCreateMemoryBufferWithMemoryRange(bytes: *const c_char, length: usize, name: *const c_char, has_zero: i32) -> Raw;
    fn LLVMParseBitcodeInContext2(context: Raw, bytes: Raw, module: *mut Raw) -> i32;
    fn LLVMGetModuleInlineAsm(module: Raw, length: *mut usize) -> *const c_char;
    fn LLVMGetModuleDataLayout(module: Raw) -> Raw;
    fn LLVMIsDeclaration(global: Raw) -> i32;
    fn LLVMGetLinkage(global: Raw) -> c_uint;
    fn LLVMIsThreadLocal(variable: Raw) -> i32;
    fn LLVMGetValueName2(value: Raw, length: *mut usize) -> *const c_char;
    fn LLVMGetValueKind(value: Raw) -> c_uint;
    fn LLVMTypeOf(value: Raw) -> Raw;
    fn LLVMGlobalGetValueType(global: Raw) -> Raw;
    fn LLVMGetFunctionCallConv(function: Raw) -> c_uint;
    fn LLVMCountParams(function: Raw) -> c_uint;
    fn LLVMGetParam(function: Raw, index: c_uint) -> Raw;
    fn LLVMGetFirstBasicBlock(function: Raw) -> Raw;
    fn LLVMGetNextBasicBlock(block: Raw) -> Raw;
    fn LLVMGetFirstInstruction(block: Raw) -> Raw;
    fn LLVMGetNextInstruction(instruction: Raw) -> Raw;
    fn LLVMGetBasicBlockTerminator(block: Raw) -> Raw;
    fn LLVMValueAsBasicBlock(value: Raw) -> Raw;
    fn LLVMGetInstructionOpcode(instruction: Raw) -> c_uint;
    fn LLVMGetConstOpcode(constant: Raw) -> c_uint;
    fn LLVMGetNumOperands(value: Raw) -> i32;
    fn LLVMGetOperand(value: Raw, index: c_uint) -> Raw;
    fn LLVMGetNumSuccessors(terminator: Raw) -> c_uint;
    fn LLVMGetSuccessor(terminator: Raw, index: c_uint) -> Raw;
    fn LLVMCountIncoming(phi: Raw) -> c_uint;
    fn LLVMGetIncomingValue(phi: Raw, index: c_uint) -> Raw;
    fn LLVMGetIncomingBlock(phi: Raw, index: c_uint) -> Raw;
    fn LLVMGetICmpPredicate(instruction: Raw) -> c_uint;
    fn LLVMGetFCmpPredicate(instruction: Raw) -> c_uint;
    fn LLVMGetAllocatedType(instruction: Raw) -> Raw;
    fn LLVMGetGEPSourceElementType(value: Raw) -> Raw;
    fn LLVMGetAlignment(value: Raw) -> c_uint;
    fn LLVMGetOrdering(instruction: Raw) -> c_uint;
    fn LLVMGetVolatile(instruction: Raw) -> i32;
    fn LLVMGetAtomicRMWBinOp(instruction: Raw) -> c_uint;
    fn LLVMGetNumIndices(instruction: Raw) -> c_uint;
    fn LLVMGetIndices(instruction: Raw) -> *const c_uint;
    fn LLVMGetNumMaskElements(instruction: Raw) -> c_uint;
    fn LLVMGetMaskValue(instruction: Raw, index: c_uint) -> i32;
    fn LLVMGetCalledValue(call: Raw) -> Raw;
    fn LLVMGetCalledFunctionType(call: Raw) -> Raw;
    fn LLVMGetNumArgOperands(call: Raw) -> c_uint;
    fn LLVMGetInstructionCallConv(call: Raw) -> c_uint;
    fn LLVMGetTailCallKind(call: Raw) -> c_uint;
    fn LLVMGetNumOperandBundles(call: Raw) -> c_uint;
    fn LLVMGetCallSiteEnumAttribute(call: Raw, index: c_uint, kind: c_uint) -> Raw;
    fn LLVMGetEnumAttributeAtIndex(function: Raw, index: c_uint, kind: c_uint) -> Raw;
    fn LLVMGetEnumAttributeKindForName(name: *const c_char, length: usize) -> c_uint;
    fn LLVMGetTypeAttributeValue(attribute: Raw) -> Raw;
    fn LLVMGetEnumAttributeValue(attribute: Raw) -> u64;
    fn LLVMConstIntGetZExtValue(constant: Raw) -> u64;
    fn LLVMConstRealGetDouble(constant: Raw, loses: *mut i32) -> f64;
    fn LLVMGetAggregateElement(constant: Raw, index: c_uint) -> Raw;
    fn LLVMPrintValueToString(value: Raw) -> *mut c_char;
    fn LLVMDisposeMessage(text: *mut c_char);
    fn LLVMGetTypeKind(ty: Raw) -> c_uint;
    fn LLVMGetIntTypeWidth(ty: Raw) -> c_uint;
    fn LLVMCountStructElementTypes(ty: Raw) -> c_uint;
    fn LLVMStructGetTypeAtIndex(ty: Raw, index: c_uint) -> Raw;
    fn LLVMGetArrayLength2(ty: Raw) -> u64;
    fn LLVMGetVectorSize(ty: Raw) -> c_uint;
    fn LLVMGetElementType(ty: Raw) -> Raw;
    fn LLVMGetReturnType(ty: Raw) -> Raw;
    fn LLVMIsFunctionVarArg(ty: Raw) -> i32;
    fn LLVMABISizeOfType(layout: Raw, ty: Raw) -> u64;
    fn LLVMABIAlignmentOfType(layout: Raw, ty: Raw) -> c_uint;
    fn LLVMOffsetOfElement(layout: Raw, ty: Raw, element: c_uint) -> u64;
}

// `LLVMTypeKind`.
const TYPE_VOID: c_uint = 0;
const TYPE_FLOAT: c_uint = 2;
const TYPE_DOUBLE: c_uint = 3;
const TYPE_INTEGER: c_uint = 8;
const TYPE_STRUCT: c_uint = 10;
const TYPE_ARRAY: c_uint = 11;
const TYPE_POINTER: c_uint = 12;
const TYPE_VECTOR: c_uint = 13;

/// What kind a type is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeKind {
    Void,
    Float,
    Double,
    Integer(u32),
    Pointer,
    Struct,
    Array,
    Vector,
    /// By its number in `LLVMTypeKind`.
    Other(u32),
}

impl<'a> Type<'a> {
    pub(crate) fn kind(self) -> TypeKind {
        // SAFETY: types live as long as their context.
        unsafe {
            match LLVMGetTypeKind(self.raw()) {
                TYPE_VOID => TypeKind::Void,
                TYPE_FLOAT => TypeKind::Float,
                TYPE_DOUBLE => TypeKind::Double,
                TYPE_INTEGER => TypeKind::Integer(LLVMGetIntTypeWidth(self.raw())),
                TYPE_STRUCT => TypeKind::Struct,
                TYPE_ARRAY => TypeKind::Array,
                TYPE_POINTER => TypeKind::Pointer,
                TYPE_VECTOR => TypeKind::Vector,
                other => TypeKind::Other(other),
            }
        }
    }

    /// How many elements a struct, an array or a vector has.
    pub(crate) fn element_count(self) -> u64 {
        // SAFETY: types live as long as their context, and it is of the kind that is asked.
        unsafe {
            match self.kind() {
                TypeKind::Struct => LLVMCountStructElementTypes(self.raw()).into(),
                TypeKind::Array => LLVMGetArrayLength2(self.raw()),
                TypeKind::Vector => LLVMGetVectorSize(self.raw()).into(),
                _ => 0,
            }
        }
    }

    /// The type of an element of a struct, an array or a vector.
    pub(crate) fn element(self, index: u64) -> Type<'a> {
        // SAFETY: as above.
        Type::known(unsafe {
            match self.kind() {
                TypeKind::Struct => LLVMStructGetTypeAtIndex(self.raw(), index as c_uint),
                _ => LLVMGetElementType(self.raw()),
            }
        })
    }

    /// What a function of this type returns.
    pub(crate) fn returned(self) -> Type<'a> {
        // SAFETY: as above.
        Type::known(unsafe { LLVMGetReturnType(self.raw()) })
    }

    /// Whether functions of this type take a variable number of arguments.
    pub(crate) fn is_variadic(self) -> bool {
        // SAFETY: as above.
        unsafe { LLVMIsFunctionVarArg(self.raw()) != 0 }
    }
}

impl Layout<'_> {
    /// How far elements of the type lie apart, in bytes.
    pub(crate) fn size(self, ty: Type) -> u64 {
        // SAFETY: the layout is its module's; the type is sized, as the verifier has seen.
        unsafe { LLVMABISizeOfType(self.raw(), ty.raw()) }
    }

    pub(crate) fn alignment(self, ty: Type) -> u32 {
        // SAFETY: as above.
        unsafe { LLVMABIAlignmentOfType(self.raw(), ty.raw()) }
    }

    /// Where an element of a struct lies.
    pub(crate) fn offset(self, ty: Type, element: u64) -> u64 {
        // SAFETY: as above; it is a struct that has this element.
        unsafe { LLVMOffsetOfElement(self.raw(), ty.raw(), element as c_uint) }
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Function,
    GlobalVariable,
    ConstantExpr,
    ConstantInt,
    ConstantFp,
    ConstantPointerNull,
    /// Undefined or poison.
    Undefined,
    /// A constant with elements.
    Aggregate,
    InlineAsm,
    /// An argument, or an instruction.
    Local,
    /// By its number in `LLVMValueKind`.
    Other(u32),
}

/// How a function is called, or a global is linked: a number of LLVM's.
pub(crate) mod number {
    use core::ffi::c_uint;

    pub(crate) const LINKAGE_AVAILABLE_EXTERNALLY: c_uint = 1;
    pub(crate) const LINKAGE_INTERNAL: c_uint = 8;
    pub(crate) const LINKAGE_PRIVATE: c_uint = 9;
    pub(crate) const LINKAGE_EXTERNAL_WEAK: c_uint = 12;
    pub(crate) const CONVENTION_C: c_uint = 0;
    pub(crate) const CONVENTION_FAST: c_uint = 8;
    pub(crate) const CONVENTION_COLD: c_uint = 9;
    pub(crate) const CONVENTION_PRESERVE_MOST: c_uint = 14;
    pub(crate) const CONVENTION_PRESERVE_ALL: c_uint = 15;
    pub(crate) const TAIL_MUST: c_uint = 2;
    pub(crate) const INDEX_RETURN: c_uint = 0;
    pub(crate) const INDEX_FUNCTION: c_uint = c_uint::MAX;
}

impl<'a> Value<'a> {
    pub(crate) fn kind(self) -> ValueKind {
        // SAFETY: the value is in a module that lives.
        match unsafe { LLVMGetValueKind(self.raw()) } {
            0 | 24 => ValueKind::Local,
            5 => ValueKind::Function,
            8 => ValueKind::GlobalVariable,
            10 => ValueKind::ConstantExpr,
            11..=13 | 15..=17 => ValueKind::Aggregate,
            14 | 25 => ValueKind::Undefined,
            18 => ValueKind::ConstantInt,
            19 => ValueKind::ConstantFp,
            20 => ValueKind::ConstantPointerNull,
            23 => ValueKind::InlineAsm,
            other => ValueKind::Other(other),
        }
    }

    pub(crate) fn ty(self) -> Type<'a> {
        // SAFETY: as above.
        Type::known(unsafe { LLVMTypeOf(self.raw()) })
    }

    pub(crate) fn name(self) -> &'a str {
        let mut length = 0;
        // SAFETY: as above; the name lives with the value, which nobody renames while it is read.
        let bytes = unsafe {
            let start = LLVMGetValueName2(self.raw(), &mut length);
            core::slice::from_raw_parts(start.cast::<u8>(), length)
        };
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    pub(crate) fn linkage(self) -> u32 {
        // SAFETY: as above; only globals are asked.
        unsafe { LLVMGetLinkage(self.raw()) }
    }

    pub(crate) fn is_declaration(self) -> bool {
        // SAFETY: as above.
        unsafe { LLVMIsDeclaration(self.raw()) != 0 }
    }

    pub(crate) fn is_thread_local(self) -> bool {
        // SAFETY: as above; only variables are asked.
        unsafe { LLVMIsThreadLocal(self.raw()) != 0 }
    }

    /// The type of what a global's address leads to.
    pub(crate) fn value_type(self) -> Type<'a> {
        // SAFETY: as above.
        Type::known(unsafe { LLVMGlobalGetValueType(self.raw()) })
    }

    pub(crate) fn function_convention(self) -> u32 {
        // SAFETY: as above; only functions are asked.
        unsafe { LLVMGetFunctionCallConv(self.raw()) }
    }

    pub(crate) fn parameters(self) -> impl Iterator<Item = Value<'a>> {
        // SAFETY: as above.
        let count = unsafe { LLVMCountParams(self.raw()) };
        // SAFETY: as above; the function has as many.
        (0..count).map(move |index| Value::known(unsafe { LLVMGetParam(self.raw(), index) }))
    }

    pub(crate) fn blocks(self) -> impl Iterator<Item = Block<'a>> {
        // SAFETY: as above.
        let first = Block::of(unsafe { LLVMGetFirstBasicBlock(self.raw()) });
        core::iter::successors(first, |block| {
            // SAFETY: as above.
            Block::of(unsafe { LLVMGetNextBasicBlock(block.raw()) })
        })
    }

    /// The block that an operand is.
    pub(crate) fn as_block(self) -> Block<'a> {
        // SAFETY: as above; only operands that are blocks are asked.
        Block::known(unsafe { LLVMValueAsBasicBlock(self.raw()) })
    }

    /// By LLVM's numbers, which are those of the C API.
    pub(crate) fn opcode(self) -> u32 {
        // SAFETY: as above; only instructions and constant expressions are asked.
        unsafe {
            match self.kind() {
                ValueKind::ConstantExpr => LLVMGetConstOpcode(self.raw()),
                _ => LLVMGetInstructionOpcode(self.raw()),
            }
        }
    }

    pub(crate) fn operand_count(self) -> u32 {
        // SAFETY: as above.
        unsafe { LLVMGetNumOperands(self.raw()) }.unsigned_abs()
    }

    pub(crate) fn operand(self, index: u32) -> Value<'a> {
        // SAFETY: as above; there are so many.
        Value::known(unsafe { LLVMGetOperand(self.raw(), index) })
    }

    pub(crate) fn operands(self) -> impl Iterator<Item = Value<'a>> {
        (0..self.operand_count()).map(move |index| self.operand(index))
    }

    pub(crate) fn successors(self) -> impl DoubleEndedIterator<Item = Block<'a>> {
        // SAFETY: as above; only terminators are asked.
        let count = unsafe { LLVMGetNumSuccessors(self.raw()) };
        // SAFETY: as above; there are so many.
        (0..count).map(move |index| Block::known(unsafe { LLVMGetSuccessor(self.raw(), index) }))
    }

    /// Of a phi: the value that comes from the block.
    pub(crate) fn incoming(self, from: Block) -> Value<'a> {
        // SAFETY: as above; only phis are asked.
        let count = unsafe { LLVMCountIncoming(self.raw()) };
        let found = (0..count).find(|index| {
            // SAFETY: as above; there are so many.
            from.raw() == unsafe { LLVMGetIncomingBlock(self.raw(), *index) }
        });
        let index = found.expect("a phi has a value for each block that leads to it");
        // SAFETY: as above.
        Value::known(unsafe { LLVMGetIncomingValue(self.raw(), index) })
    }

    /// Of an integer or floating point comparison.
    pub(crate) fn predicate(self, is_float: bool) -> u32 {
        // SAFETY: as above; only comparisons are asked.
        unsafe {
            if is_float {
                LLVMGetFCmpPredicate(self.raw())
            } else {
                LLVMGetICmpPredicate(self.raw())
            }
        }
    }

    pub(crate) fn allocated(self) -> Type<'a> {
        // SAFETY: as above; only allocas are asked.
        Type::known(unsafe { LLVMGetAllocatedType(self.raw()) })
    }

    pub(crate) fn source_element(self) -> Type<'a> {
        // SAFETY: as above; only instructions and constants of that opcode are asked.
        Type::known(unsafe { LLVMGetGEPSourceElementType(self.raw()) })
    }

    pub(crate) fn alignment(self) -> u32 {
        // SAFETY: as above; only allocas are asked.
        unsafe { LLVMGetAlignment(self.raw()) }
    }

    /// Whether a load or a store is atomic.
    pub(crate) fn is_atomic(self) -> bool {
        // SAFETY: as above; only loads and stores are asked.
        unsafe { LLVMGetOrdering(self.raw()) != 0 }
    }

    /// Whether a load is volatile.
    pub(crate) fn is_volatile(self) -> bool {
        // SAFETY: as above; only loads are asked.
        unsafe { LLVMGetVolatile(self.raw()) != 0 }
    }

    pub(crate) fn rmw(self) -> u32 {
        // SAFETY: as above; only such instructions are asked.
        unsafe { LLVMGetAtomicRMWBinOp(self.raw()) }
    }

    /// Of extractvalue and insertvalue.
    pub(crate) fn indices(self) -> &'a [u32] {
        // SAFETY: as above; only such instructions are asked, which have as many.
        unsafe {
            let count = LLVMGetNumIndices(self.raw()) as usize;
            core::slice::from_raw_parts(LLVMGetIndices(self.raw()), count)
        }
    }

    /// Of shufflevector; negative is undefined.
    pub(crate) fn mask(self) -> impl Iterator<Item = i32> {
        // SAFETY: as above; only such instructions are asked.
        let count = unsafe { LLVMGetNumMaskElements(self.raw()) };
        // SAFETY: as above; there are so many.
        (0..count).map(move |index| unsafe { LLVMGetMaskValue(self.raw(), index) })
    }

    pub(crate) fn callee(self) -> Value<'a> {
        // SAFETY: as above; only calls are asked.
        Value::known(unsafe { LLVMGetCalledValue(self.raw()) })
    }

    pub(crate) fn called_type(self) -> Type<'a> {
        // SAFETY: as above.
        Type::known(unsafe { LLVMGetCalledFunctionType(self.raw()) })
    }

    pub(crate) fn arguments(self) -> impl Iterator<Item = Value<'a>> {
        // SAFETY: as above.
        let count = unsafe { LLVMGetNumArgOperands(self.raw()) };
        (0..count).map(move |index| self.operand(index))
    }

    pub(crate) fn call_convention(self) -> u32 {
        // SAFETY: as above.
        unsafe { LLVMGetInstructionCallConv(self.raw()) }
    }

    pub(crate) fn tail_kind(self) -> u32 {
        // SAFETY: as above.
        unsafe { LLVMGetTailCallKind(self.raw()) }
    }

    pub(crate) fn has_bundles(self) -> bool {
        // SAFETY: as above.
        unsafe { LLVMGetNumOperandBundles(self.raw()) != 0 }
    }

    /// An attribute of a call, or of a function: of itself, its result, or with 1 and more of a parameter.
    pub(crate) fn attribute(self, index: u32, name: &str) -> Option<Attribute<'a>> {
        // SAFETY: as above; the name is valid for the call.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len());
            Attribute::of(match self.kind() {
                ValueKind::Function => LLVMGetEnumAttributeAtIndex(self.raw(), index, kind),
                _ => LLVMGetCallSiteEnumAttribute(self.raw(), index, kind),
            })
        }
    }

    /// The integer of a constant, its upper bits zero.
    pub(crate) fn integer(self, bits: u32) -> Option<u128> {
        if bits <= 64 {
            // SAFETY: as above; only constants of integers are asked.
            return Some(unsafe { LLVMConstIntGetZExtValue(self.raw()) }.into());
        }
        // The C API of LLVM 18 reads no wider constant but as text.
        let text = self.text();
        let number: i128 = text.rsplit(' ').next()?.parse().ok()?;
        Some(number as u128 & (u128::MAX >> (128 - bits.min(128))))
    }

    /// The number of a constant. One of 32 bits is a double, too.
    pub(crate) fn float(self) -> f64 {
        let mut loses = 0;
        // SAFETY: as above; only constants of floating point are asked.
        unsafe { LLVMConstRealGetDouble(self.raw(), &mut loses) }
    }

    /// An element of a constant.
    pub(crate) fn constant_element(self, index: u64) -> Option<Value<'a>> {
        // SAFETY: as above; only constants are asked.
        Value::of(unsafe { LLVMGetAggregateElement(self.raw(), index as c_uint) })
    }

    fn text(self) -> String {
        // SAFETY: as above; the text is copied before it is freed.
        unsafe {
            let text = LLVMPrintValueToString(self.raw());
            let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
            LLVMDisposeMessage(text);
            copy
        }
    }
}

impl<'a> Attribute<'a> {
    /// Of an attribute that names a type.
    pub(crate) fn ty(self) -> Type<'a> {
        // SAFETY: attributes live as long as their context; only such ones are asked.
        Type::known(unsafe { LLVMGetTypeAttributeValue(self.raw()) })
    }

    /// Of an attribute with a number.
    pub(crate) fn number(self) -> u64 {
        // SAFETY: as above.
        unsafe { LLVMGetEnumAttributeValue(self.raw()) }
    }
}

impl<'a> Block<'a> {
    pub(crate) fn instructions(self) -> impl Iterator<Item = Value<'a>> {
        // SAFETY: the block is in a module that lives.
        let first = Value::of(unsafe { LLVMGetFirstInstruction(self.raw()) });
        core::iter::successors(first, |instruction| {
            // SAFETY: as above.
            Value::of(unsafe { LLVMGetNextInstruction(instruction.raw()) })
        })
    }

    pub(crate) fn terminator(self) -> Value<'a> {
        // SAFETY: as above; the verifier has seen that there is one.
        Value::known(unsafe { LLVMGetBasicBlockTerminator(self.raw()) })
    }
}

impl<'a> Module<'a> {
    /// # Safety
    /// It is an `LLVMModuleRef` of a module that is whole, lives for `'a`, and does not change.
    pub(crate) unsafe fn from_raw(raw: *mut core::ffi::c_void) -> Option<Self> {
        Self::of(raw.cast())
    }

    pub(crate) fn functions(self) -> impl Iterator<Item = Value<'a>> {
        // SAFETY: the module lives.
        let first = Value::of(unsafe { LLVMGetFirstFunction(self.raw()) });
        core::iter::successors(first, |function| {
            // SAFETY: as above.
            Value::of(unsafe { LLVMGetNextFunction(function.raw()) })
        })
    }

    pub(crate) fn variables(self) -> impl Iterator<Item = Value<'a>> {
        // SAFETY: as above.
        let first = Value::of(unsafe { LLVMGetFirstGlobal(self.raw()) });
        core::iter::successors(first, |variable| {
            // SAFETY: as above.
            Value::of(unsafe { LLVMGetNextGlobal(variable.raw()) })
        })
    }

    /// Reads bitcode, into a context that is never left; `None` if it is none.
    ///
    /// # Safety
    /// LLVM's constructors have run.
    pub(crate) unsafe fn read(bitcode: &'a [u8]) -> Option<Self> {
        let mut module = core::ptr::null_mut();
        // SAFETY: the buffer refers to the bytes, which live as long as the module is used; nothing behind them is read.
        let fails = unsafe {
            let context = LLVMContextCreate();
            let (start, name) = (bitcode.as_ptr().cast(), c"program".as_ptr());
            let bytes = LLVMCreateMemoryBufferWithMemoryRange(start, bitcode.len(), name, 0);
            LLVMParseBitcodeInContext2(context, bytes, &mut module) != 0
        };
        (!fails).then(|| Self::of(module)).flatten()
    }

    /// Functions that others than calls need to be defined: those behind aliases, and those that choose functions.
    pub(crate) fn wanted_definitions(self) -> BTreeSet<Value<'a>> {
        // SAFETY: the module lives, and so do its aliases.
        let wanted = |first: Raw,
                      next: unsafe extern "C" fn(Raw) -> Raw,
                      of: unsafe extern "C" fn(Raw) -> Raw| {
            let all = core::iter::successors(Value::of(first), move |global| {
                // SAFETY: as above.
                Value::of(unsafe { next(global.raw()) })
            });
            // SAFETY: as above.
            all.map(move |global| Value::known(unsafe { of(global.raw()) }))
        };
        // SAFETY: as above.
        let (alias, ifunc) = unsafe {
            (
                LLVMGetFirstGlobalAlias(self.raw()),
                LLVMGetFirstGlobalIFunc(self.raw()),
            )
        };
        let aliases = wanted(alias, LLVMGetNextGlobalAlias, LLVMAliasGetAliasee);
        aliases
            .chain(wanted(
                ifunc,
                LLVMGetNextGlobalIFunc,
                LLVMGetGlobalIFuncResolver,
            ))
            .collect()
    }

    pub(crate) fn has_aliases_or_assembly(self) -> bool {
        let mut length = 0;
        // SAFETY: as above.
        unsafe {
            LLVMGetModuleInlineAsm(self.raw(), &mut length);
            length != 0 || !LLVMGetFirstGlobalAlias(self.raw()).is_null()
        }
    }

    pub(crate) fn layout(self) -> Layout<'a> {
        // SAFETY: as above.
        Layout::known(unsafe { LLVMGetModuleDataLayout(self.raw()) })
    }
}
