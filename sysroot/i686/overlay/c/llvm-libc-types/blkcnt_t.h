// As wide as in the large-file interface of 32-bit systems.
#ifndef __LLVM_LIBC_TYPES_BLKCNT_T_H__
#define __LLVM_LIBC_TYPES_BLKCNT_T_H__

typedef __INT64_TYPE__ blkcnt_t;

#endif
