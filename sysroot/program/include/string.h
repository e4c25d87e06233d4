// ISO C's <string.h> with what POSIX and GNU add.
#ifndef BAREFLOW_PROGRAM_STRING_H
#define BAREFLOW_PROGRAM_STRING_H

#define __need_NULL
#include <stddef.h>
// The generated header declares these two with a target that is const. In their place it declares strlen again.
#define strlcat(target, source, size) strlen(const char *)
#define strlcpy(target, source, size) strlen(const char *)
// POSIX's form, whatever a program asks for: programs expect GNU's of glibc alone.
#define strerror_r(number, buffer, size) strerror(int)
#include_next <string.h>
#undef strlcat
#undef strlcpy
#undef strerror_r

#include <strings.h>

__BEGIN_C_DECLS
size_t strlcat(char *__restrict target, const char *__restrict source,
               size_t size) __NOEXCEPT;
size_t strlcpy(char *__restrict target, const char *__restrict source,
               size_t size) __NOEXCEPT;
int strerror_r(int number, char *buffer, size_t size) __asm__("__xpg_strerror_r");
char *strnstr(const char *text, const char *wanted, size_t size) __NOEXCEPT;
void *rawmemchr(const void *block, int character) __NOEXCEPT;
void explicit_bzero(void *block, size_t size) __NOEXCEPT;
void *memset_explicit(void *block, int byte, size_t size) __NOEXCEPT;
void *memfrob(void *block, size_t size) __NOEXCEPT;
int strverscmp(const char *first, const char *second) __NOEXCEPT;
const char *strerrorname_np(int number) __NOEXCEPT;
const char *strerrordesc_np(int number) __NOEXCEPT;
const char *sigabbrev_np(int signal) __NOEXCEPT;
const char *sigdescr_np(int signal) __NOEXCEPT;
// GNU's, which does not change the path; <libgen.h> has that of POSIX.
#if defined(_GNU_SOURCE) && !defined(basename)
char *basename(const char *path) __NOEXCEPT;
#endif
__END_C_DECLS

#define strdupa(text)                                                          \
  (__extension__({                                                             \
    const char *__text = (text);                                               \
    size_t __size = strlen(__text) + 1;                                        \
    (char *)memcpy(__builtin_alloca(__size), __text, __size);                  \
  }))
#define strndupa(text, limit)                                                  \
  (__extension__({                                                             \
    const char *__text = (text);                                               \
    size_t __size = strnlen(__text, (limit));                                  \
    char *__copy = (char *)__builtin_alloca(__size + 1);                       \
    __copy[__size] = 0;                                                        \
    (char *)memcpy(__copy, __text, __size);                                    \
  }))

#endif
