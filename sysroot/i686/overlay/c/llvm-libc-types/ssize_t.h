// llvm-libc 18 has 64 bits on all processors.
#ifndef __LLVM_LIBC_TYPES_SSIZE_T_H__
#define __LLVM_LIBC_TYPES_SSIZE_T_H__

typedef __PTRDIFF_TYPE__ ssize_t;

#endif
