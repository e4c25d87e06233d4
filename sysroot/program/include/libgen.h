#ifndef BAREFLOW_LIBGEN_H
#define BAREFLOW_LIBGEN_H

#include <__llvm-libc-common.h>

__BEGIN_C_DECLS
char *basename(char *path) __asm__("__xpg_basename");
char *dirname(char *path);
__END_C_DECLS

#endif
