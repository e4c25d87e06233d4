#ifndef BAREFLOW_SYS_TIMES_H
#define BAREFLOW_SYS_TIMES_H

#include <__llvm-libc-common.h>
#include <llvm-libc-types/clock_t.h>

struct tms {
  clock_t tms_utime, tms_stime, tms_cutime, tms_cstime;
};

__BEGIN_C_DECLS
clock_t times(struct tms *buffer);
__END_C_DECLS

#endif
