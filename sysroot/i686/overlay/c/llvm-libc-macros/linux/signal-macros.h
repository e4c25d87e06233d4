// llvm-libc 18 knows no stack sizes for this processor; those of RISC-V are x86's.
#define __riscv
#include_next <llvm-libc-macros/linux/signal-macros.h>
#undef __riscv
