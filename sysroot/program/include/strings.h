#ifndef BAREFLOW_PROGRAM_STRINGS_H
#define BAREFLOW_PROGRAM_STRINGS_H

#define __need_size_t
#include <stddef.h>
#include_next <strings.h>

__BEGIN_C_DECLS
int ffs(int number) __NOEXCEPT;
int ffsl(long number) __NOEXCEPT;
int ffsll(long long number) __NOEXCEPT;
__END_C_DECLS

#endif
