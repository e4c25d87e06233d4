// One process: what raise, kill(getpid()), abort and its timers send is delivered; nobody else sends anything.
#ifndef BAREFLOW_SIGNAL_H
#define BAREFLOW_SIGNAL_H

#include <__llvm-libc-common.h>
#include <bits/pthread_types.h>
#include <llvm-libc-macros/linux/signal-macros.h>
#include <llvm-libc-types/sig_atomic_t.h>
#include <llvm-libc-types/siginfo_t.h>
#include <llvm-libc-types/sigset_t.h>
#include <llvm-libc-types/stack_t.h>
#include <llvm-libc-types/struct_sigaction.h>
#include <llvm-libc-types/struct_timespec.h>
#include <llvm-libc-types/union_sigval.h>
#include <sys/types.h>
#include <sys/ucontext.h>

#undef NSIG
#define NSIG 65
#define _NSIG NSIG
#undef SIGRTMIN
#undef SIGRTMAX
#define SIGRTMIN 34
#define SIGRTMAX 64
#define SIG_HOLD ((__sighandler_t)2)
#define sigmask(signal) (1 << ((signal) - 1))
#define SIGCLD SIGCHLD

#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000
#define SA_NOMASK SA_NODEFER
#define SA_INTERRUPT 0x20000000
#define SA_STACK SA_ONSTACK
#define SA_ONESHOT SA_RESETHAND

#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_TKILL (-6)
#define FPE_INTDIV 1
#define FPE_INTOVF 2
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define ILL_ILLOPC 1
#define ILL_ILLOPN 2
#define ILL_PRVOPC 5
#define FPE_FLTSUB 8
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define BUS_OBJERR 3
#define TRAP_BRKPT 1

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2

typedef __sighandler_t sighandler_t;
typedef __sighandler_t sig_t;
typedef union sigval sigval_t;
typedef struct sigevent sigevent_t;

struct sigevent {
  union sigval sigev_value;
  int sigev_signo;
  int sigev_notify;
  void (*sigev_notify_function)(union sigval);
  pthread_attr_t *sigev_notify_attributes;
};

__BEGIN_C_DECLS
int kill(pid_t process, int signal);
int killpg(pid_t group, int signal);
int raise(int signal);
__sighandler_t signal(int signal, __sighandler_t handler);
int sigaction(int signal, const struct sigaction *__restrict action, struct sigaction *__restrict old);
int sigaddset(sigset_t *set, int signal);
int sigdelset(sigset_t *set, int signal);
int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigismember(const sigset_t *set, int signal);
int sigprocmask(int how, const sigset_t *__restrict set, sigset_t *__restrict old);
int pthread_sigmask(int how, const sigset_t *__restrict set, sigset_t *__restrict old);
int pthread_kill(pthread_t thread, int signal);
int sigpending(sigset_t *set);
int sigsuspend(const sigset_t *mask);
int sigwait(const sigset_t *__restrict set, int *__restrict signal);
int sigwaitinfo(const sigset_t *__restrict set, siginfo_t *__restrict information);
int sigtimedwait(const sigset_t *__restrict set, siginfo_t *__restrict information,
                 const struct timespec *__restrict timeout);
int sigqueue(pid_t process, int signal, union sigval value);
int siginterrupt(int signal, int flag);
int sigaltstack(const stack_t *__restrict stack, stack_t *__restrict old);
void psignal(int signal, const char *prefix);
void psiginfo(const siginfo_t *information, const char *prefix);
__sighandler_t bsd_signal(int signal, __sighandler_t handler);
__sighandler_t sigset(int signal, __sighandler_t disposition);
int sighold(int signal);
int sigrelse(int signal);
int sigignore(int signal);
int sigpause(int signal);
int sigblock(int mask);
int sigsetmask(int mask);
int siggetmask(void);
int sigisemptyset(const sigset_t *set);
int sigandset(sigset_t *result, const sigset_t *left, const sigset_t *right);
int sigorset(sigset_t *result, const sigset_t *left, const sigset_t *right);
__END_C_DECLS

#endif
