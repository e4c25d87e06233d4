#ifndef BAREFLOW_UTIME_H
#define BAREFLOW_UTIME_H

#include <__llvm-libc-common.h>
#include <llvm-libc-types/time_t.h>

struct utimbuf {
  time_t actime, modtime;
};

__BEGIN_C_DECLS
int utime(const char *path, const struct utimbuf *times);
__END_C_DECLS

#endif
