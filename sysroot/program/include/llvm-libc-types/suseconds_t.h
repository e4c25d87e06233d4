// As long as elsewhere, since programs print it so.
#ifndef BAREFLOW_LLVM_LIBC_TYPES_SUSECONDS_T_H
#define BAREFLOW_LLVM_LIBC_TYPES_SUSECONDS_T_H

typedef long suseconds_t;

#endif
