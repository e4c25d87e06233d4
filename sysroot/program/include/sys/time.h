#ifndef BAREFLOW_SYS_TIME_H
#define BAREFLOW_SYS_TIME_H

#include <__llvm-libc-common.h>
#include <llvm-libc-types/struct_timeval.h>
#include <sys/select.h>
#include <sys/types.h>

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

struct timezone {
  int tz_minuteswest;
  int tz_dsttime;
};

struct itimerval {
  struct timeval it_interval;
  struct timeval it_value;
};

#define TIMEVAL_TO_TIMESPEC(from, to) ((to)->tv_sec = (from)->tv_sec, (to)->tv_nsec = (from)->tv_usec * 1000)
#define TIMESPEC_TO_TIMEVAL(to, from) ((to)->tv_sec = (from)->tv_sec, (to)->tv_usec = (from)->tv_nsec / 1000)
#define timerclear(time) ((time)->tv_sec = 0, (time)->tv_usec = 0)
#define timerisset(time) ((time)->tv_sec || (time)->tv_usec)
#define timercmp(left, right, operator)                                                                                \
  (((left)->tv_sec == (right)->tv_sec) ? ((left)->tv_usec operator(right)->tv_usec)                                    \
                                       : ((left)->tv_sec operator(right)->tv_sec))
#define timeradd(left, right, result)                                                                                  \
  do {                                                                                                                 \
    (result)->tv_sec = (left)->tv_sec + (right)->tv_sec;                                                               \
    (result)->tv_usec = (left)->tv_usec + (right)->tv_usec;                                                            \
    if ((result)->tv_usec >= 1000000) {                                                                                \
      ++(result)->tv_sec;                                                                                              \
      (result)->tv_usec -= 1000000;                                                                                    \
    }                                                                                                                  \
  } while (0)
#define timersub(left, right, result)                                                                                  \
  do {                                                                                                                 \
    (result)->tv_sec = (left)->tv_sec - (right)->tv_sec;                                                               \
    (result)->tv_usec = (left)->tv_usec - (right)->tv_usec;                                                            \
    if ((result)->tv_usec < 0) {                                                                                       \
      --(result)->tv_sec;                                                                                              \
      (result)->tv_usec += 1000000;                                                                                    \
    }                                                                                                                  \
  } while (0)

__BEGIN_C_DECLS
int gettimeofday(struct timeval *__restrict time, void *__restrict zone);
int settimeofday(const struct timeval *time, const struct timezone *zone);
int getitimer(int which, struct itimerval *value);
int setitimer(int which, const struct itimerval *__restrict value, struct itimerval *__restrict old);
int utimes(const char *path, const struct timeval times[2]);
int lutimes(const char *path, const struct timeval times[2]);
int futimes(int file, const struct timeval times[2]);
int futimesat(int folder, const char *path, const struct timeval times[2]);
__END_C_DECLS

#endif
