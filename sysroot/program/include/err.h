#ifndef BAREFLOW_ERR_H
#define BAREFLOW_ERR_H

#include <__llvm-libc-common.h>
#include <stdarg.h>

__BEGIN_C_DECLS
void err(int status, const char *format, ...) __attribute__((__noreturn__, __format__(__printf__, 2, 3)));
void errx(int status, const char *format, ...) __attribute__((__noreturn__, __format__(__printf__, 2, 3)));
void verr(int status, const char *format, va_list arguments) __attribute__((__noreturn__));
void verrx(int status, const char *format, va_list arguments) __attribute__((__noreturn__));
void warn(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
void warnx(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
void vwarn(const char *format, va_list arguments);
void vwarnx(const char *format, va_list arguments);
__END_C_DECLS

#endif
