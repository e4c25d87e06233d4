#ifndef BAREFLOW_SIGNAL_H
#define BAREFLOW_SIGNAL_H

#include <llvm-libc-macros/linux/signal-macros.h>
#include_next <signal.h>

#include <sys/types.h>

typedef int sig_atomic_t;

#ifndef SA_SIGINFO
#define SA_SIGINFO 0x4
#endif
#ifndef SA_RESTART
#define SA_RESTART 0x10000000
#endif
#ifndef SA_ONSTACK
#define SA_ONSTACK 0x08000000
#endif
#ifndef SA_NODEFER
#define SA_NODEFER 0x40000000
#endif
#ifndef SA_RESETHAND
#define SA_RESETHAND 0x80000000
#endif

#endif
