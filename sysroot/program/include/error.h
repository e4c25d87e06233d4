#ifndef BAREFLOW_ERROR_H
#define BAREFLOW_ERROR_H

#include <__llvm-libc-common.h>

__BEGIN_C_DECLS
extern unsigned error_message_count;
extern int error_one_per_line;
extern void (*error_print_progname)(void);
void error(int status, int number, const char *format, ...) __attribute__((__format__(__printf__, 3, 4)));
void error_at_line(int status, int number, const char *file, unsigned line, const char *format, ...)
    __attribute__((__format__(__printf__, 5, 6)));
__END_C_DECLS

#endif
