//! Which LLVM BareFlow builds, and how to link it.
