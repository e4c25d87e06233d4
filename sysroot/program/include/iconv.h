#ifndef BAREFLOW_ICONV_H
#define BAREFLOW_ICONV_H

#include <__llvm-libc-common.h>
#include <sys/types.h>

typedef void *iconv_t;

__BEGIN_C_DECLS
iconv_t iconv_open(const char *to, const char *from);
size_t iconv(iconv_t conversion, char **__restrict input, size_t *__restrict input_left, char **__restrict output,
             size_t *__restrict output_left);
int iconv_close(iconv_t conversion);
__END_C_DECLS

#endif
