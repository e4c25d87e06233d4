// What llvm-libc's generated headers include first. Unlike its own, it leaves __restrict alone, which the compiler
// knows in every language standard: `restrict` is an ordinary name in C89.
#ifndef BAREFLOW_LLVM_LIBC_COMMON_H
#define BAREFLOW_LLVM_LIBC_COMMON_H

#undef __BEGIN_C_DECLS
#undef __END_C_DECLS
#undef __NOEXCEPT

#ifdef __cplusplus
#define __BEGIN_C_DECLS extern "C" {
#define __END_C_DECLS }
#undef _Noreturn
#if __cplusplus >= 201103L
#define __NOEXCEPT noexcept
#define _Noreturn [[noreturn]]
#else
#define __NOEXCEPT throw()
#define _Noreturn __attribute__((__noreturn__))
#endif
#undef _Alignas
#define _Alignas alignas
#undef _Static_assert
#define _Static_assert static_assert
#undef _Alignof
#define _Alignof alignof
#undef _Thread_local
#define _Thread_local thread_local
#else
#define __BEGIN_C_DECLS
#define __END_C_DECLS
#define __NOEXCEPT
#endif

#endif
