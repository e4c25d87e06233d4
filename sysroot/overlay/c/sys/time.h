#ifndef BAREFLOW_SYS_TIME_H
#define BAREFLOW_SYS_TIME_H

#include <llvm-libc-types/struct_timeval.h>

#ifdef __cplusplus
extern "C"
#endif
int gettimeofday(struct timeval *time, void *zone);

#endif
