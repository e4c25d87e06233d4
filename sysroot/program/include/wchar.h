// Wide characters: Unicode code points. Multibyte characters are UTF-8 in every locale.
#ifndef BAREFLOW_PROGRAM_WCHAR_H
#define BAREFLOW_PROGRAM_WCHAR_H

#define __need_size_t
#define __need_wchar_t
#define __need_wint_t
#define __need_NULL
#include <stddef.h>
#include <stdarg.h>

#include_next <wchar.h>

#include <bits/types/mbstate_t.h>
#include <llvm-libc-types/FILE.h>

#ifndef WEOF
#define WEOF 0xffffffffu
#endif
#ifndef WCHAR_MAX
#define WCHAR_MAX __WCHAR_MAX__
#endif
#ifndef WCHAR_MIN
#define WCHAR_MIN (-__WCHAR_MAX__ - 1)
#endif

__BEGIN_C_DECLS
struct tm;

wint_t btowc(int byte) __NOEXCEPT;
int mbsinit(const mbstate_t *state) __NOEXCEPT;
size_t mbrlen(const char *__restrict text, size_t size,
              mbstate_t *__restrict state) __NOEXCEPT;
size_t mbrtowc(wchar_t *__restrict result, const char *__restrict text,
               size_t size, mbstate_t *__restrict state) __NOEXCEPT;
size_t wcrtomb(char *__restrict result, wchar_t character,
               mbstate_t *__restrict state) __NOEXCEPT;
size_t mbsrtowcs(wchar_t *__restrict result, const char **__restrict text,
                 size_t size, mbstate_t *__restrict state) __NOEXCEPT;
size_t mbsnrtowcs(wchar_t *__restrict result, const char **__restrict text,
                  size_t bytes, size_t size,
                  mbstate_t *__restrict state) __NOEXCEPT;
size_t wcsrtombs(char *__restrict result, const wchar_t **__restrict text,
                 size_t size, mbstate_t *__restrict state) __NOEXCEPT;
size_t wcsnrtombs(char *__restrict result, const wchar_t **__restrict text,
                  size_t characters, size_t size,
                  mbstate_t *__restrict state) __NOEXCEPT;

size_t wcslen(const wchar_t *text) __NOEXCEPT;
size_t wcsnlen(const wchar_t *text, size_t size) __NOEXCEPT;
int wcscmp(const wchar_t *first, const wchar_t *second) __NOEXCEPT;
int wcsncmp(const wchar_t *first, const wchar_t *second,
            size_t size) __NOEXCEPT;
int wcscasecmp(const wchar_t *first, const wchar_t *second) __NOEXCEPT;
int wcsncasecmp(const wchar_t *first, const wchar_t *second,
                size_t size) __NOEXCEPT;
int wcscoll(const wchar_t *first, const wchar_t *second) __NOEXCEPT;
size_t wcsxfrm(wchar_t *__restrict result, const wchar_t *__restrict text,
               size_t size) __NOEXCEPT;
wchar_t *wcscpy(wchar_t *__restrict target,
                const wchar_t *__restrict source) __NOEXCEPT;
wchar_t *wcpcpy(wchar_t *__restrict target,
                const wchar_t *__restrict source) __NOEXCEPT;
wchar_t *wcsncpy(wchar_t *__restrict target, const wchar_t *__restrict source,
                 size_t size) __NOEXCEPT;
wchar_t *wcpncpy(wchar_t *__restrict target, const wchar_t *__restrict source,
                 size_t size) __NOEXCEPT;
wchar_t *wcscat(wchar_t *__restrict target,
                const wchar_t *__restrict source) __NOEXCEPT;
wchar_t *wcsncat(wchar_t *__restrict target, const wchar_t *__restrict source,
                 size_t size) __NOEXCEPT;
size_t wcslcpy(wchar_t *__restrict target, const wchar_t *__restrict source,
               size_t size) __NOEXCEPT;
size_t wcslcat(wchar_t *__restrict target, const wchar_t *__restrict source,
               size_t size) __NOEXCEPT;
wchar_t *wcsdup(const wchar_t *text) __NOEXCEPT;
wchar_t *wcschr(const wchar_t *text, wchar_t wanted) __NOEXCEPT;
wchar_t *wcschrnul(const wchar_t *text, wchar_t wanted) __NOEXCEPT;
wchar_t *wcsrchr(const wchar_t *text, wchar_t wanted) __NOEXCEPT;
size_t wcsspn(const wchar_t *text, const wchar_t *set) __NOEXCEPT;
size_t wcscspn(const wchar_t *text, const wchar_t *set) __NOEXCEPT;
wchar_t *wcspbrk(const wchar_t *text, const wchar_t *set) __NOEXCEPT;
wchar_t *wcsstr(const wchar_t *text, const wchar_t *wanted) __NOEXCEPT;
wchar_t *wcswcs(const wchar_t *text, const wchar_t *wanted) __NOEXCEPT;
wchar_t *wcstok(wchar_t *__restrict text, const wchar_t *__restrict set,
                wchar_t **__restrict next) __NOEXCEPT;
wchar_t *wmemcpy(wchar_t *__restrict target, const wchar_t *__restrict source,
                 size_t size) __NOEXCEPT;
wchar_t *wmempcpy(wchar_t *__restrict target, const wchar_t *__restrict source,
                  size_t size) __NOEXCEPT;
wchar_t *wmemmove(wchar_t *target, const wchar_t *source,
                  size_t size) __NOEXCEPT;
wchar_t *wmemset(wchar_t *target, wchar_t character, size_t size) __NOEXCEPT;
wchar_t *wmemchr(const wchar_t *source, wchar_t wanted, size_t size) __NOEXCEPT;
int wmemcmp(const wchar_t *first, const wchar_t *second,
            size_t size) __NOEXCEPT;
int wcwidth(wchar_t character) __NOEXCEPT;
int wcswidth(const wchar_t *text, size_t size) __NOEXCEPT;

long wcstol(const wchar_t *__restrict text, wchar_t **__restrict end,
            int base) __NOEXCEPT;
unsigned long wcstoul(const wchar_t *__restrict text, wchar_t **__restrict end,
                      int base) __NOEXCEPT;
long long wcstoll(const wchar_t *__restrict text, wchar_t **__restrict end,
                  int base) __NOEXCEPT;
unsigned long long wcstoull(const wchar_t *__restrict text,
                            wchar_t **__restrict end, int base) __NOEXCEPT;
float wcstof(const wchar_t *__restrict text,
             wchar_t **__restrict end) __NOEXCEPT;
double wcstod(const wchar_t *__restrict text,
              wchar_t **__restrict end) __NOEXCEPT;
long double wcstold(const wchar_t *__restrict text,
                    wchar_t **__restrict end) __NOEXCEPT;
size_t wcsftime(wchar_t *__restrict result, size_t size,
                const wchar_t *__restrict format,
                const struct tm *__restrict time) __NOEXCEPT;

int fwide(FILE *stream, int orientation) __NOEXCEPT;
wint_t fgetwc(FILE *stream) __NOEXCEPT;
wint_t getwc(FILE *stream) __NOEXCEPT;
wint_t getwchar(void) __NOEXCEPT;
wint_t fputwc(wchar_t character, FILE *stream) __NOEXCEPT;
wint_t putwc(wchar_t character, FILE *stream) __NOEXCEPT;
wint_t putwchar(wchar_t character) __NOEXCEPT;
wint_t ungetwc(wint_t character, FILE *stream) __NOEXCEPT;
wchar_t *fgetws(wchar_t *__restrict buffer, int size,
                FILE *__restrict stream) __NOEXCEPT;
int fputws(const wchar_t *__restrict text, FILE *__restrict stream) __NOEXCEPT;
wint_t fgetwc_unlocked(FILE *stream) __NOEXCEPT;
wint_t getwc_unlocked(FILE *stream) __NOEXCEPT;
wint_t getwchar_unlocked(void) __NOEXCEPT;
wint_t fputwc_unlocked(wchar_t character, FILE *stream) __NOEXCEPT;
wint_t putwc_unlocked(wchar_t character, FILE *stream) __NOEXCEPT;
wint_t putwchar_unlocked(wchar_t character) __NOEXCEPT;
FILE *open_wmemstream(wchar_t **start, size_t *size) __NOEXCEPT;

int wprintf(const wchar_t *__restrict format, ...) __NOEXCEPT;
int fwprintf(FILE *__restrict stream, const wchar_t *__restrict format,
             ...) __NOEXCEPT;
int swprintf(wchar_t *__restrict buffer, size_t size,
             const wchar_t *__restrict format, ...) __NOEXCEPT;
int vwprintf(const wchar_t *__restrict format, va_list arguments) __NOEXCEPT;
int vfwprintf(FILE *__restrict stream, const wchar_t *__restrict format,
              va_list arguments) __NOEXCEPT;
int vswprintf(wchar_t *__restrict buffer, size_t size,
              const wchar_t *__restrict format, va_list arguments) __NOEXCEPT;
int wscanf(const wchar_t *__restrict format, ...) __NOEXCEPT;
int fwscanf(FILE *__restrict stream, const wchar_t *__restrict format,
            ...) __NOEXCEPT;
int swscanf(const wchar_t *__restrict text, const wchar_t *__restrict format,
            ...) __NOEXCEPT;
int vwscanf(const wchar_t *__restrict format, va_list arguments) __NOEXCEPT;
int vfwscanf(FILE *__restrict stream, const wchar_t *__restrict format,
             va_list arguments) __NOEXCEPT;
int vswscanf(const wchar_t *__restrict text, const wchar_t *__restrict format,
             va_list arguments) __NOEXCEPT;
wchar_t *fgetws_unlocked(wchar_t *__restrict buffer, int size,
                         FILE *__restrict stream) __NOEXCEPT;
int fputws_unlocked(const wchar_t *__restrict text,
                    FILE *__restrict stream) __NOEXCEPT;
size_t wcsftime_l(wchar_t *__restrict result, size_t size,
                  const wchar_t *__restrict format,
                  const struct tm *__restrict time, void *locale) __NOEXCEPT;
__END_C_DECLS

#endif
