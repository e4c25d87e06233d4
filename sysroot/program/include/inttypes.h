#ifndef BAREFLOW_PROGRAM_INTTYPES_H
#define BAREFLOW_PROGRAM_INTTYPES_H

#define __need_wchar_t
#include <stddef.h>
#include_next <inttypes.h>

#define SCNdLEAST8 "hhd"
#define SCNdFAST8 "hhd"
#define SCNdLEAST16 "hd"
#define SCNdLEAST32 "d"
#define SCNdLEAST64 "ld"
#define SCNdFAST64 "ld"
#define SCNiLEAST8 "hhi"
#define SCNiFAST8 "hhi"
#define SCNiLEAST16 "hi"
#define SCNiLEAST32 "i"
#define SCNiLEAST64 "li"
#define SCNiFAST64 "li"
#define SCNoLEAST8 "hho"
#define SCNoFAST8 "hho"
#define SCNoLEAST16 "ho"
#define SCNoLEAST32 "o"
#define SCNoLEAST64 "lo"
#define SCNoFAST64 "lo"
#define SCNuLEAST8 "hhu"
#define SCNuFAST8 "hhu"
#define SCNuLEAST16 "hu"
#define SCNuLEAST32 "u"
#define SCNuLEAST64 "lu"
#define SCNuFAST64 "lu"
#define SCNxLEAST8 "hhx"
#define SCNxFAST8 "hhx"
#define SCNxLEAST16 "hx"
#define SCNxLEAST32 "x"
#define SCNxLEAST64 "lx"
#define SCNxFAST64 "lx"
#define SCNdFAST16 "hd"
#define SCNiFAST16 "hi"
#define SCNoFAST16 "ho"
#define SCNuFAST16 "hu"
#define SCNxFAST16 "hx"
#define SCNdFAST32 "d"
#define SCNiFAST32 "i"
#define SCNoFAST32 "o"
#define SCNuFAST32 "u"
#define SCNxFAST32 "x"

__BEGIN_C_DECLS
intmax_t wcstoimax(const wchar_t *__restrict text, wchar_t **__restrict end,
                   int base) __NOEXCEPT;
uintmax_t wcstoumax(const wchar_t *__restrict text, wchar_t **__restrict end,
                    int base) __NOEXCEPT;
__END_C_DECLS

#endif
