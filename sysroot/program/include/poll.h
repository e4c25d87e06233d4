#ifndef BAREFLOW_POLL_H
#define BAREFLOW_POLL_H

#include <__llvm-libc-common.h>
#include <llvm-libc-macros/linux/signal-macros.h>
#include <llvm-libc-types/sigset_t.h>
#include <llvm-libc-types/struct_timespec.h>

#define POLLIN 0x001
#define POLLPRI 0x002
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200

typedef unsigned long nfds_t;

struct pollfd {
  int fd;
  short events;
  short revents;
};

__BEGIN_C_DECLS
int poll(struct pollfd *files, nfds_t count, int timeout_ms);
int ppoll(struct pollfd *files, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
__END_C_DECLS

#endif
