#ifndef BAREFLOW_FNMATCH_H
#define BAREFLOW_FNMATCH_H

#include <__llvm-libc-common.h>

#define FNM_NOMATCH 1
#define FNM_PATHNAME 1
#define FNM_FILE_NAME FNM_PATHNAME
#define FNM_NOESCAPE 2
#define FNM_PERIOD 4
#define FNM_LEADING_DIR 8
#define FNM_CASEFOLD 16

__BEGIN_C_DECLS
int fnmatch(const char *pattern, const char *text, int flags);
__END_C_DECLS

#endif
