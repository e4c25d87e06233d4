//! The functions as C calls them, for each kind of processor.

use core::ffi::{c_char, c_int, c_void};

use crate::{compare, copy, fill, find, set};

/// What a processor has, and the operating system lets programs use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// AVX2, whose registers are saved.
    pub avx2: bool,
    /// Fast loops of the processor's own (ERMS).
    pub fast_strings: bool,
}

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Every x86-64.
    Sse2,
    /// With AVX2.
    Avx2,
    /// With AVX2 and fast loops.
    Avx2Strings,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sse2, Self::Avx2, Self::Avx2Strings];
}

impl From<Processor> for Variant {
    fn from(processor: Processor) -> Self {
        match (processor.avx2, processor.fast_strings) {
            (false, _) => Self::Sse2,
            (true, false) => Self::Avx2,
            (true, true) => Self::Avx2Strings,
        }
    }
}

/// Declares [`Functions`], and each function for each variant: there `V` is a vector, and `HAS_FAST_STRINGS` says whether
/// the processor's own loops are fast.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($($parameter:ident: $type:ty),*) -> $result:ty = $body:expr;)*) => {
        /// Pointers to all functions, of one variant. Each has the meaning of a C function, and asks what that asks.
        #[derive(Clone, Copy, Debug)]
        pub struct Functions {
            $($(#[$doc])* pub $name: unsafe extern "C" fn($($type),*) -> $result,)*
        }

        functions! { @variant sse2 "sse2" __m128i false $($name($($parameter: $type),*) -> $result = $body;)* }
        functions! { @variant avx2 "avx2" __m256i false $($name($($parameter: $type),*) -> $result = $body;)* }
        functions! { @variant avx2_strings "avx2" __m256i true $($name($($parameter: $type),*) -> $result = $body;)* }
    };
    (@variant $variant:ident $features:literal $vector:ident $has_fast_strings:literal
        $($name:ident($($parameter:ident: $type:ty),*) -> $result:ty = $body:expr;)*) => {
        mod $variant {
            use crate::instructions::$vector as V;

            use super::*;

            const HAS_FAST_STRINGS: bool = $has_fast_strings;

            $(
                #[target_feature(enable = $features)]
                unsafe extern "C" fn $name($($parameter: $type),*) -> $result {
                    // SAFETY: the caller's promises are those of the function.
                    unsafe { $body }
                }
            )*

            pub(super) const FUNCTIONS: Functions = Functions { $($name),* };
        }
    };
}

functions! {
    /// `memmove` and `memcpy`.
    copy(to: *mut c_void, from: *const c_void, size: usize) -> *mut c_void = {
        copy::copy::<V, HAS_FAST_STRINGS>(to.cast(), from.cast(), size);
        to
    };
    /// `memset`.
    fill(to: *mut c_void, byte: c_int, size: usize) -> *mut c_void = {
        fill::fill::<V, HAS_FAST_STRINGS>(to.cast(), byte as u8, size);
        to
    };
    /// `memcmp`.
    compare(first: *const c_void, second: *const c_void, size: usize) -> c_int =
        compare::compare::<V>(first.cast(), second.cast(), size);
    /// `memchr`.
    find(block: *const c_void, byte: c_int, size: usize) -> *const c_void =
        find::find::<V>(block.cast(), byte as u8, size).cast();
    /// `memrchr`.
    find_last(block: *const c_void, byte: c_int, size: usize) -> *const c_void =
        find::find_last::<V>(block.cast(), byte as u8, size).cast();
    /// `strlen`.
    length(text: *const c_char) -> usize = find::length::<V>(text.cast());
    /// `strnlen`.
    length_within(text: *const c_char, size: usize) -> usize =
        find::length_within::<V>(text.cast(), size);
    /// `strchrnul`.
    find_character_or_end(text: *const c_char, character: c_int) -> *const c_char =
        find::find_or_end::<V>(text.cast(), character as u8).cast();
    /// `strchr`.
    find_character(text: *const c_char, character: c_int) -> *const c_char = {
        let found = find::find_or_end::<V>(text.cast(), character as u8);
        if *found == character as u8 {
            found.cast()
        } else {
            core::ptr::null()
        }
    };
    /// `strrchr`.
    find_last_character(text: *const c_char, character: c_int) -> *const c_char =
        find::find_last_in_string::<V>(text.cast(), character as u8).cast();
    /// `strcmp`.
    compare_strings(first: *const c_char, second: *const c_char) -> c_int =
        compare::compare_strings::<V>(first.cast(), second.cast(), usize::MAX);
    /// `strncmp`.
    compare_strings_within(first: *const c_char, second: *const c_char, size: usize) -> c_int =
        compare::compare_strings::<V>(first.cast(), second.cast(), size);
    /// `stpcpy`.
    copy_string(to: *mut c_char, from: *const c_char) -> *mut c_char =
        find::copy_string::<V, HAS_FAST_STRINGS>(to.cast(), from.cast()).cast();
    /// `strcspn`.
    span_without(text: *const c_char, bytes: *const c_char) -> usize =
        set::span_without::<V>(text.cast(), bytes.cast());
    /// `strspn`.
    span_with(text: *const c_char, bytes: *const c_char) -> usize =
        set::span_with(text.cast(), bytes.cast());
}

impl Functions {
    /// Those of a variant, which the processor must be.
    #[must_use]
    pub const fn of(variant: Variant) -> Self {
        match variant {
            Variant::Sse2 => sse2::FUNCTIONS,
            Variant::Avx2 => avx2::FUNCTIONS,
            Variant::Avx2Strings => avx2_strings::FUNCTIONS,
        }
    }
}
