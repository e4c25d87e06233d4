#ifndef BAREFLOW_LIBGEN_H
#define BAREFLOW_LIBGEN_H

#include <__llvm-libc-common.h>

__BEGIN_C_DECLS
char *__xpg_basename(char *path);
char *dirname(char *path);
__END_C_DECLS

// GNU's form of the name is in <string.h>; whichever header comes first, this one counts afterwards.
#define basename __xpg_basename

#endif
