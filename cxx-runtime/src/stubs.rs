//! What the prebuilt `core` names although nothing unwinds.

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::runtime::platform().abort("unwinding was resumed in a build without unwinding")
}

/// The standard library has one of its own.
#[cfg(not(feature = "rust-std"))]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
