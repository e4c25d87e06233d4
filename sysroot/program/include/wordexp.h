// Words of a shell without its commands: a command substitution is refused with WRDE_CMDSUB.
#ifndef BAREFLOW_WORDEXP_H
#define BAREFLOW_WORDEXP_H

#include <__llvm-libc-common.h>
#include <sys/types.h>

#define WRDE_DOOFFS 1
#define WRDE_APPEND 2
#define WRDE_NOCMD 4
#define WRDE_REUSE 8
#define WRDE_SHOWERR 16
#define WRDE_UNDEF 32
#define WRDE_NOSPACE 1
#define WRDE_BADCHAR 2
#define WRDE_BADVAL 3
#define WRDE_CMDSUB 4
#define WRDE_SYNTAX 5

typedef struct {
  size_t we_wordc;
  char **we_wordv;
  size_t we_offs;
} wordexp_t;

__BEGIN_C_DECLS
int wordexp(const char *__restrict words, wordexp_t *__restrict result, int flags);
void wordfree(wordexp_t *result);
__END_C_DECLS

#endif
