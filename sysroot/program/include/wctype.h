#ifndef BAREFLOW_PROGRAM_WCTYPE_H
#define BAREFLOW_PROGRAM_WCTYPE_H

#define __need_size_t
#define __need_wint_t
#include <stddef.h>

#include <__llvm-libc-common.h>

typedef unsigned long wctype_t;
typedef __SIZE_TYPE__ wctrans_t;

#ifndef WEOF
#define WEOF 0xffffffffu
#endif

__BEGIN_C_DECLS
int iswalnum(wint_t character) __NOEXCEPT;
int iswalpha(wint_t character) __NOEXCEPT;
int iswblank(wint_t character) __NOEXCEPT;
int iswcntrl(wint_t character) __NOEXCEPT;
int iswdigit(wint_t character) __NOEXCEPT;
int iswgraph(wint_t character) __NOEXCEPT;
int iswlower(wint_t character) __NOEXCEPT;
int iswprint(wint_t character) __NOEXCEPT;
int iswpunct(wint_t character) __NOEXCEPT;
int iswspace(wint_t character) __NOEXCEPT;
int iswupper(wint_t character) __NOEXCEPT;
int iswxdigit(wint_t character) __NOEXCEPT;
wint_t towlower(wint_t character) __NOEXCEPT;
wint_t towupper(wint_t character) __NOEXCEPT;
wctype_t wctype(const char *name) __NOEXCEPT;
int iswctype(wint_t character, wctype_t type) __NOEXCEPT;
wctrans_t wctrans(const char *name) __NOEXCEPT;
wint_t towctrans(wint_t character, wctrans_t mapping) __NOEXCEPT;
wctype_t wctype_l(const char *name, void *locale) __NOEXCEPT;
int iswctype_l(wint_t character, wctype_t kind, void *locale) __NOEXCEPT;
wctrans_t wctrans_l(const char *name, void *locale) __NOEXCEPT;
wint_t towctrans_l(wint_t character, wctrans_t mapping,
                   void *locale) __NOEXCEPT;
__END_C_DECLS

#endif
