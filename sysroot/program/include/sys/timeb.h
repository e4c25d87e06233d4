#ifndef BAREFLOW_SYS_TIMEB_H
#define BAREFLOW_SYS_TIMEB_H

#include <__llvm-libc-common.h>
#include <llvm-libc-types/time_t.h>

struct timeb {
  time_t time;
  unsigned short millitm;
  short timezone, dstflag;
};

__BEGIN_C_DECLS
int ftime(struct timeb *result);
__END_C_DECLS

#endif
