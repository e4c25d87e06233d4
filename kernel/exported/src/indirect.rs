//! Functions of the program that are chosen when it starts: those with an `ifunc` resolver.
//!
//! The linker makes a relocation of type `R_X86_64_IRELATIVE` for each (System V Application Binary Interface, AMD64
//! Architecture Processor Supplement, 4.4.1 "Relocation Types"): in a static program, whoever starts it applies them.

/// `Elf64_Rela`.
#[repr(C)]
struct Relocation {
    offset: usize,
    kind: u64,
    addend: usize,
}

unsafe extern "C" {
    /// Where the linker has put the relocations; the same address twice if there are none.
    static __rela_iplt_start: Relocation;
    static __rela_iplt_end: Relocation;
}

/// Calls all resolvers, and remembers what they have chosen.
///
/// # Safety
/// Once, before anything else of the program runs.
pub(crate) unsafe fn choose_functions() {
    let mut relocation = &raw const __rela_iplt_start;
    while relocation < &raw const __rela_iplt_end {
        // SAFETY: 1. the linker has put relocations between its symbols, of this type alone; 2. the addend is the
        // address of a resolver, which has no parameters; 3. the offset is that of a word in the kernel's data, which
        // only calls of the function read.
        unsafe {
            let Relocation { offset, addend, .. } = &*relocation;
            let resolver: extern "C" fn() -> usize =
                core::mem::transmute(core::ptr::with_exposed_provenance::<()>(*addend));
            core::ptr::with_exposed_provenance_mut::<usize>(*offset).write(resolver());
            relocation = relocation.add(1);
        }
    }
}
