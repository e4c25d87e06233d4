#ifndef BAREFLOW_PROGRAM_UCHAR_H
#define BAREFLOW_PROGRAM_UCHAR_H

#define __need_size_t
#include <stddef.h>

#include <__llvm-libc-common.h>
#include <bits/types/mbstate_t.h>

#define __STDC_VERSION_UCHAR_H__ 202311L

#ifndef __cplusplus
typedef __CHAR16_TYPE__ char16_t;
typedef __CHAR32_TYPE__ char32_t;
#elif __cplusplus < 201103L
typedef __CHAR16_TYPE__ char16_t;
typedef __CHAR32_TYPE__ char32_t;
#endif
#if !defined(__cplusplus) || !defined(__cpp_char8_t)
typedef unsigned char char8_t;
#endif

__BEGIN_C_DECLS
size_t mbrtoc8(char8_t *__restrict result, const char *__restrict text,
               size_t size, mbstate_t *__restrict state) __NOEXCEPT;
size_t c8rtomb(char *__restrict result, char8_t unit,
               mbstate_t *__restrict state) __NOEXCEPT;
size_t mbrtoc16(char16_t *__restrict result, const char *__restrict text,
                size_t size, mbstate_t *__restrict state) __NOEXCEPT;
size_t c16rtomb(char *__restrict result, char16_t unit,
                mbstate_t *__restrict state) __NOEXCEPT;
size_t mbrtoc32(char32_t *__restrict result, const char *__restrict text,
                size_t size, mbstate_t *__restrict state) __NOEXCEPT;
size_t c32rtomb(char *__restrict result, char32_t unit,
                mbstate_t *__restrict state) __NOEXCEPT;
__END_C_DECLS

#endif
