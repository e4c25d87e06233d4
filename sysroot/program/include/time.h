// The zone is that of the environment's TZ in POSIX's form, else UTC.
#ifndef BAREFLOW_TIME_H
#define BAREFLOW_TIME_H

#define __need_size_t
#define __need_NULL
#include <stddef.h>

#include <__llvm-libc-common.h>
#include <llvm-libc-macros/linux/time-macros.h>
#include <llvm-libc-types/clock_t.h>
#include <llvm-libc-types/clockid_t.h>
#include <llvm-libc-types/pid_t.h>
#include <llvm-libc-types/struct_timespec.h>
#include <llvm-libc-types/struct_timeval.h>
#include <llvm-libc-types/time_t.h>

#define TIME_UTC 1
#define TIMER_ABSTIME 1
#define CLK_TCK 100

// llvm-libc's own has no zone: what reads or writes the last two fields has a name of its own in the library.
#define __LLVM_LIBC_TYPES_TM_H__
struct tm {
  int tm_sec;
  int tm_min;
  int tm_hour;
  int tm_mday;
  int tm_mon;
  int tm_year;
  int tm_wday;
  int tm_yday;
  int tm_isdst;
  long tm_gmtoff;
  const char *tm_zone;
};

struct itimerspec {
  struct timespec it_interval;
  struct timespec it_value;
};

typedef void *timer_t;
struct sigevent;

__BEGIN_C_DECLS
extern char *tzname[2];
extern long timezone;
extern int daylight;

char *asctime(const struct tm *time);
char *asctime_r(const struct tm *__restrict time, char *__restrict buffer);
clock_t clock(void);
int clock_getres(clockid_t clock, struct timespec *resolution);
int clock_gettime(clockid_t clock, struct timespec *result);
int clock_settime(clockid_t clock, const struct timespec *value);
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *duration, struct timespec *remaining);
int clock_getcpuclockid(pid_t process, clockid_t *clock);
char *ctime(const time_t *time) __asm__("bareflow_ctime");
char *ctime_r(const time_t *time, char *buffer);
double difftime(time_t later, time_t earlier);
struct tm *gmtime(const time_t *time) __asm__("bareflow_gmtime");
struct tm *gmtime_r(const time_t *__restrict time, struct tm *__restrict result) __asm__("bareflow_gmtime_r");
struct tm *localtime(const time_t *time) __asm__("bareflow_localtime");
struct tm *localtime_r(const time_t *__restrict time, struct tm *__restrict result) __asm__("bareflow_localtime_r");
time_t mktime(struct tm *time) __asm__("bareflow_mktime");
time_t timelocal(struct tm *time) __asm__("bareflow_mktime");
time_t timegm(struct tm *time);
int nanosleep(const struct timespec *duration, struct timespec *remaining);
size_t strftime(char *__restrict buffer, size_t size, const char *__restrict format,
                const struct tm *__restrict time) __asm__("bareflow_strftime");
char *strptime(const char *__restrict text, const char *__restrict format, struct tm *__restrict time);
time_t time(time_t *result);
int timespec_get(struct timespec *result, int base);
int timespec_getres(struct timespec *resolution, int base);
void tzset(void);
int timer_create(clockid_t clock, struct sigevent *__restrict event, timer_t *__restrict timer);
int timer_delete(timer_t timer);
int timer_getoverrun(timer_t timer);
int timer_gettime(timer_t timer, struct itimerspec *value);
int timer_settime(timer_t timer, int flags, const struct itimerspec *__restrict value,
                  struct itimerspec *__restrict old);
extern int getdate_err;
struct tm *getdate(const char *text);
int getdate_r(const char *__restrict text, struct tm *__restrict result);
int dysize(int year);
char *strptime_l(const char *__restrict text, const char *__restrict format, struct tm *__restrict time, void *locale);
time_t timelocal(struct tm *time);
__END_C_DECLS

#endif
