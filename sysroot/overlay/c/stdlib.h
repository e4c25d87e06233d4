#ifndef BAREFLOW_STDLIB_H
#define BAREFLOW_STDLIB_H

#define __need_wchar_t
#include <stddef.h>
#include_next <stdlib.h>

#define MB_CUR_MAX 1

__BEGIN_C_DECLS
int posix_memalign(void **result, size_t alignment, size_t size);
char *realpath(const char *__restrict path, char *__restrict resolved);
int mblen(const char *text, size_t size);
int system(const char *command);
void quick_exit(int status) __attribute__((__noreturn__));
int at_quick_exit(void (*handler)(void));
__END_C_DECLS

#endif
