#ifndef BAREFLOW_SYS_AUXV_H
#define BAREFLOW_SYS_AUXV_H

#include <__llvm-libc-common.h>

#define AT_PAGESZ 6
#define AT_UID 11
#define AT_EUID 12
#define AT_GID 13
#define AT_EGID 14
#define AT_PLATFORM 15
#define AT_HWCAP 16
#define AT_CLKTCK 17
#define AT_SECURE 23
#define AT_RANDOM 25
#define AT_HWCAP2 26

__BEGIN_C_DECLS
unsigned long getauxval(unsigned long kind);
__END_C_DECLS

#endif
