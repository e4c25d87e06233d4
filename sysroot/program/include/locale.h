// The locales "C", "POSIX" and "C.UTF-8", which are one: numbers and times as in "C", characters in UTF-8.
#ifndef BAREFLOW_PROGRAM_LOCALE_H
#define BAREFLOW_PROGRAM_LOCALE_H

#define __need_size_t
#define __need_wchar_t
#define __need_wint_t
#define __need_NULL
#include <stddef.h>

#include <__llvm-libc-common.h>

#define LC_CTYPE 0
#define LC_NUMERIC 1
#define LC_TIME 2
#define LC_COLLATE 3
#define LC_MONETARY 4
#define LC_MESSAGES 5
#define LC_ALL 6
#define LC_CTYPE_MASK (1 << LC_CTYPE)
#define LC_NUMERIC_MASK (1 << LC_NUMERIC)
#define LC_TIME_MASK (1 << LC_TIME)
#define LC_COLLATE_MASK (1 << LC_COLLATE)
#define LC_MONETARY_MASK (1 << LC_MONETARY)
#define LC_MESSAGES_MASK (1 << LC_MESSAGES)
#define LC_ALL_MASK 0x3f

typedef void *locale_t;
#define LC_GLOBAL_LOCALE ((locale_t)-1)

struct lconv {
  char *decimal_point, *thousands_sep, *grouping;
  char *int_curr_symbol, *currency_symbol;
  char *mon_decimal_point, *mon_thousands_sep, *mon_grouping;
  char *positive_sign, *negative_sign;
  char int_frac_digits, frac_digits;
  char p_cs_precedes, p_sep_by_space, n_cs_precedes, n_sep_by_space;
  char p_sign_posn, n_sign_posn;
  char int_p_cs_precedes, int_p_sep_by_space;
  char int_n_cs_precedes, int_n_sep_by_space;
  char int_p_sign_posn, int_n_sign_posn;
};

__BEGIN_C_DECLS
struct tm;

char *setlocale(int category, const char *locale) __NOEXCEPT;
struct lconv *localeconv(void) __NOEXCEPT;
locale_t newlocale(int mask, const char *locale, locale_t base) __NOEXCEPT;
locale_t duplocale(locale_t locale) __NOEXCEPT;
void freelocale(locale_t locale) __NOEXCEPT;
locale_t uselocale(locale_t locale) __NOEXCEPT;

int isalnum_l(int character, locale_t locale) __NOEXCEPT;
int isalpha_l(int character, locale_t locale) __NOEXCEPT;
int isblank_l(int character, locale_t locale) __NOEXCEPT;
int iscntrl_l(int character, locale_t locale) __NOEXCEPT;
int isdigit_l(int character, locale_t locale) __NOEXCEPT;
int isgraph_l(int character, locale_t locale) __NOEXCEPT;
int islower_l(int character, locale_t locale) __NOEXCEPT;
int isprint_l(int character, locale_t locale) __NOEXCEPT;
int ispunct_l(int character, locale_t locale) __NOEXCEPT;
int isspace_l(int character, locale_t locale) __NOEXCEPT;
int isupper_l(int character, locale_t locale) __NOEXCEPT;
int isxdigit_l(int character, locale_t locale) __NOEXCEPT;
int tolower_l(int character, locale_t locale) __NOEXCEPT;
int toupper_l(int character, locale_t locale) __NOEXCEPT;
int iswalnum_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswalpha_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswblank_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswcntrl_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswdigit_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswgraph_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswlower_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswprint_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswpunct_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswspace_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswupper_l(wint_t character, locale_t locale) __NOEXCEPT;
int iswxdigit_l(wint_t character, locale_t locale) __NOEXCEPT;
wint_t towlower_l(wint_t character, locale_t locale) __NOEXCEPT;
wint_t towupper_l(wint_t character, locale_t locale) __NOEXCEPT;
int strcoll_l(const char *first, const char *second,
              locale_t locale) __NOEXCEPT;
size_t strxfrm_l(char *__restrict result, const char *__restrict text,
                 size_t size, locale_t locale) __NOEXCEPT;
int strcasecmp_l(const char *first, const char *second,
                 locale_t locale) __NOEXCEPT;
int strncasecmp_l(const char *first, const char *second, size_t size,
                  locale_t locale) __NOEXCEPT;
char *strerror_l(int number, locale_t locale) __NOEXCEPT;
size_t strftime_l(char *__restrict result, size_t size,
                  const char *__restrict format,
                  const struct tm *__restrict time,
                  locale_t locale) __NOEXCEPT;
int wcscoll_l(const wchar_t *first, const wchar_t *second,
              locale_t locale) __NOEXCEPT;
size_t wcsxfrm_l(wchar_t *__restrict result, const wchar_t *__restrict text,
                 size_t size, locale_t locale) __NOEXCEPT;
int wcscasecmp_l(const wchar_t *first, const wchar_t *second,
                 locale_t locale) __NOEXCEPT;
int wcsncasecmp_l(const wchar_t *first, const wchar_t *second, size_t size,
                  locale_t locale) __NOEXCEPT;
double strtod_l(const char *__restrict text, char **__restrict end,
                locale_t locale) __NOEXCEPT;
float strtof_l(const char *__restrict text, char **__restrict end,
               locale_t locale) __NOEXCEPT;
long double strtold_l(const char *__restrict text, char **__restrict end,
                      locale_t locale) __NOEXCEPT;
long strtol_l(const char *__restrict text, char **__restrict end, int base,
              locale_t locale) __NOEXCEPT;
long long strtoll_l(const char *__restrict text, char **__restrict end,
                    int base, locale_t locale) __NOEXCEPT;
unsigned long strtoul_l(const char *__restrict text, char **__restrict end,
                        int base, locale_t locale) __NOEXCEPT;
unsigned long long strtoull_l(const char *__restrict text,
                              char **__restrict end, int base,
                              locale_t locale) __NOEXCEPT;
__END_C_DECLS

#endif
