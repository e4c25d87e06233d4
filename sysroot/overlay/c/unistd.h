#ifndef BAREFLOW_UNISTD_H
#define BAREFLOW_UNISTD_H

#include <llvm-libc-macros/linux/unistd-macros.h>
#undef syscall
#undef __syscall_helper
#include_next <unistd.h>

#include <sys/types.h>

#define _POSIX_TIMERS 200809L
#define _POSIX_MONOTONIC_CLOCK 200809L

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#define _SC_ARG_MAX 0
#define _SC_NPROCESSORS_ONLN 84
#define _SC_GETPW_R_SIZE_MAX 70

__BEGIN_C_DECLS
int gethostname(char *name, size_t size);
int getpagesize(void);
pid_t getsid(pid_t process);
unsigned alarm(unsigned seconds);
int usleep(unsigned microseconds);
int fchown(int file, uid_t owner, gid_t group);
void _exit(int status) __attribute__((__noreturn__));
int execv(const char *path, char *const arguments[]);
pid_t fork(void);
__END_C_DECLS

#endif
