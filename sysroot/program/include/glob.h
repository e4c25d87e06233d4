#ifndef BAREFLOW_GLOB_H
#define BAREFLOW_GLOB_H

#include <__llvm-libc-common.h>
#include <sys/types.h>

#define GLOB_ERR 1
#define GLOB_MARK 2
#define GLOB_NOSORT 4
#define GLOB_DOOFFS 8
#define GLOB_NOCHECK 16
#define GLOB_APPEND 32
#define GLOB_NOESCAPE 64
#define GLOB_PERIOD 128
#define GLOB_NOSPACE 1
#define GLOB_ABORTED 2
#define GLOB_NOMATCH 3
#define GLOB_NOSYS 4

typedef struct {
  size_t gl_pathc;
  char **gl_pathv;
  size_t gl_offs;
  int gl_flags;
} glob_t;

__BEGIN_C_DECLS
int glob(const char *__restrict pattern, int flags, int (*on_error)(const char *, int), glob_t *__restrict result);
void globfree(glob_t *result);
__END_C_DECLS

#endif
