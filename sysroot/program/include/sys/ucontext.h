// The layout of Linux. A handler finds the stack and instruction pointers and the address of the fault in it.
#ifndef BAREFLOW_SYS_UCONTEXT_H
#define BAREFLOW_SYS_UCONTEXT_H

#include <__llvm-libc-common.h>
#include <llvm-libc-macros/linux/signal-macros.h>
#include <llvm-libc-types/sigset_t.h>
#include <llvm-libc-types/stack_t.h>

typedef long long greg_t;
#define NGREG 23
#define __ngreg NGREG
typedef greg_t gregset_t[NGREG];

enum {
  REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RDI, REG_RSI, REG_RBP, REG_RBX, REG_RDX,
  REG_RAX, REG_RCX, REG_RSP, REG_RIP, REG_EFL, REG_CSGSFS, REG_ERR, REG_TRAPNO, REG_OLDMASK, REG_CR2
};

typedef struct {
  gregset_t gregs;
  void *fpregs;
  unsigned long long __reserved[8];
} mcontext_t;

typedef struct ucontext_t {
  unsigned long uc_flags;
  struct ucontext_t *uc_link;
  stack_t uc_stack;
  mcontext_t uc_mcontext;
  sigset_t uc_sigmask;
  unsigned long __rest[84];
} ucontext_t;

#endif
