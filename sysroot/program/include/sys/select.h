#ifndef BAREFLOW_SYS_SELECT_H
#define BAREFLOW_SYS_SELECT_H

#include <__llvm-libc-common.h>
#include <llvm-libc-macros/linux/signal-macros.h>
#include <llvm-libc-types/sigset_t.h>
#include <llvm-libc-types/suseconds_t.h>
#include <llvm-libc-types/struct_timespec.h>
#include <llvm-libc-types/struct_timeval.h>
#include <llvm-libc-types/time_t.h>

#define FD_SETSIZE 1024

typedef unsigned long fd_mask;
typedef struct {
  unsigned long fds_bits[FD_SETSIZE / 64];
} fd_set;

#define NFDBITS 64
#define FD_ZERO(set) ((void)__builtin_memset((set), 0, sizeof(fd_set)))
#define FD_SET(file, set) ((void)((set)->fds_bits[(file) / 64] |= 1ul << ((file) % 64)))
#define FD_CLR(file, set) ((void)((set)->fds_bits[(file) / 64] &= ~(1ul << ((file) % 64))))
#define FD_ISSET(file, set) (((set)->fds_bits[(file) / 64] >> ((file) % 64) & 1) != 0)

__BEGIN_C_DECLS
int select(int count, fd_set *__restrict readable, fd_set *__restrict writable, fd_set *__restrict exceptional,
           struct timeval *__restrict timeout);
int pselect(int count, fd_set *__restrict readable, fd_set *__restrict writable, fd_set *__restrict exceptional,
            const struct timespec *__restrict timeout, const sigset_t *__restrict mask);
__END_C_DECLS

#endif
