#ifndef BAREFLOW_SYS_UIO_H
#define BAREFLOW_SYS_UIO_H

#include <__llvm-libc-common.h>
#include <sys/types.h>

#define UIO_MAXIOV 1024

struct iovec {
  void *iov_base;
  size_t iov_len;
};

__BEGIN_C_DECLS
ssize_t readv(int file, const struct iovec *parts, int count);
ssize_t writev(int file, const struct iovec *parts, int count);
ssize_t preadv(int file, const struct iovec *parts, int count, off_t offset);
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset);
__END_C_DECLS

#endif
