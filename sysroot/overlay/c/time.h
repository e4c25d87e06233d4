#ifndef BAREFLOW_TIME_H
#define BAREFLOW_TIME_H

#define __need_size_t
#define __need_NULL
#include <stddef.h>
#include <llvm-libc-macros/linux/time-macros.h>
#include_next <time.h>

#define TIME_UTC 1

#ifdef __cplusplus
extern "C" {
#endif
struct tm *localtime(const time_t *time);
struct tm *localtime_r(const time_t *__restrict time,
                       struct tm *__restrict result);
char *ctime(const time_t *time);
size_t strftime(char *__restrict buffer, size_t size,
                const char *__restrict format, const struct tm *__restrict time);
int timespec_get(struct timespec *result, int base);
int clock_gettime(clockid_t clock, struct timespec *result);
#ifdef __cplusplus
}
#endif

#endif
