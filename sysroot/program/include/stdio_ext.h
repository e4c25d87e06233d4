// What a stream is doing, as glibc and musl tell it. gnulib, and with it most GNU programs, asks.
#ifndef BAREFLOW_STDIO_EXT_H
#define BAREFLOW_STDIO_EXT_H

#include <stdio.h>

#define FSETLOCKING_QUERY 0
#define FSETLOCKING_INTERNAL 1
#define FSETLOCKING_BYCALLER 2

__BEGIN_C_DECLS
size_t __fbufsize(FILE *stream) __NOEXCEPT;
size_t __fpending(FILE *stream) __NOEXCEPT;
int __flbf(FILE *stream) __NOEXCEPT;
int __freadable(FILE *stream) __NOEXCEPT;
int __freading(FILE *stream) __NOEXCEPT;
int __fwritable(FILE *stream) __NOEXCEPT;
int __fwriting(FILE *stream) __NOEXCEPT;
int __fsetlocking(FILE *stream, int type) __NOEXCEPT;
void __fpurge(FILE *stream) __NOEXCEPT;
void _flushlbf(void);

// Those that musl adds.
size_t __freadahead(FILE *stream) __NOEXCEPT;
const char *__freadptr(FILE *stream, size_t *size) __NOEXCEPT;
void __freadptrinc(FILE *stream, size_t count) __NOEXCEPT;
void __fseterr(FILE *stream) __NOEXCEPT;
__END_C_DECLS

#endif
