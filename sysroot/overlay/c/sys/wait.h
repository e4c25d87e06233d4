#ifndef BAREFLOW_SYS_WAIT_H
#define BAREFLOW_SYS_WAIT_H

#include <llvm-libc-types/struct_timeval.h>
#include <sys/types.h>

#define WNOHANG 1
#define WEXITSTATUS(status) (((status) >> 8) & 0xff)
#define WTERMSIG(status) ((status) & 0x7f)
#define WIFEXITED(status) (WTERMSIG(status) == 0)
#define WIFSIGNALED(status) (WTERMSIG(status) != 0)

struct rusage {
  struct timeval ru_utime, ru_stime;
  long ru_maxrss;
};

#ifdef __cplusplus
extern "C" {
#endif
pid_t wait(int *status);
pid_t waitpid(pid_t process, int *status, int options);
pid_t wait4(pid_t process, int *status, int options, struct rusage *usage);
#ifdef __cplusplus
}
#endif

#endif
