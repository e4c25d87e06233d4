// ISO C's <stdlib.h> with what POSIX and GNU add.
#ifndef BAREFLOW_PROGRAM_STDLIB_H
#define BAREFLOW_PROGRAM_STDLIB_H

#include_next <stdlib.h>

#include <alloca.h>
#if __has_include(<bits/stdlib_posix.h>)
#include <bits/stdlib_posix.h>
#endif

// Multibyte characters are UTF-8 in every locale.
#undef MB_CUR_MAX
#define MB_CUR_MAX ((size_t)4)

__BEGIN_C_DECLS
int mbtowc(wchar_t *__restrict result, const char *__restrict text,
           size_t size) __NOEXCEPT;
int wctomb(char *result, wchar_t character) __NOEXCEPT;
size_t mbstowcs(wchar_t *__restrict result, const char *__restrict text,
                size_t size) __NOEXCEPT;
size_t wcstombs(char *__restrict result, const wchar_t *__restrict text,
                size_t size) __NOEXCEPT;
void *reallocarray(void *block, size_t count, size_t size) __NOEXCEPT;
void *memalign(size_t alignment, size_t size) __NOEXCEPT;
void *valloc(size_t size) __NOEXCEPT;
char *ecvt(double number, int count, int *__restrict point,
           int *__restrict sign) __NOEXCEPT;
char *fcvt(double number, int places, int *__restrict point,
           int *__restrict sign) __NOEXCEPT;
char *gcvt(double number, int count, char *buffer) __NOEXCEPT;
int ecvt_r(double number, int count, int *__restrict point,
           int *__restrict sign, char *__restrict buffer,
           size_t size) __NOEXCEPT;
int fcvt_r(double number, int places, int *__restrict point,
           int *__restrict sign, char *__restrict buffer,
           size_t size) __NOEXCEPT;
long long strtoq(const char *__restrict text, char **__restrict end,
                 int base) __NOEXCEPT;
unsigned long long strtouq(const char *__restrict text, char **__restrict end,
                           int base) __NOEXCEPT;
int on_exit(void (*function)(int, void *), void *argument) __NOEXCEPT;
char *canonicalize_file_name(const char *path) __NOEXCEPT;
__END_C_DECLS

#endif
