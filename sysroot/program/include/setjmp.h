#ifndef BAREFLOW_SETJMP_H
#define BAREFLOW_SETJMP_H

#include <__llvm-libc-common.h>
#include <llvm-libc-macros/linux/signal-macros.h>
#include <llvm-libc-types/jmp_buf.h>
#include <llvm-libc-types/sigset_t.h>

typedef struct {
  jmp_buf __registers;
  int __has_mask;
  sigset_t __mask;
} sigjmp_buf[1];

__BEGIN_C_DECLS
int setjmp(jmp_buf) __attribute__((__returns_twice__));
void longjmp(jmp_buf, int) __attribute__((__noreturn__));
int _setjmp(jmp_buf) __attribute__((__returns_twice__));
void _longjmp(jmp_buf, int) __attribute__((__noreturn__));
int sigsetjmp(sigjmp_buf, int) __attribute__((__returns_twice__));
void siglongjmp(sigjmp_buf, int) __attribute__((__noreturn__));
__END_C_DECLS

#define setjmp(environment) setjmp(environment)
#define sigsetjmp(environment, save_mask) sigsetjmp(environment, save_mask)

#endif
