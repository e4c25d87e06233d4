// As wide as in the large-file interface of 32-bit systems.
#ifndef __LLVM_LIBC_TYPES_INO_T_H__
#define __LLVM_LIBC_TYPES_INO_T_H__

typedef __UINT64_TYPE__ ino_t;

#endif
