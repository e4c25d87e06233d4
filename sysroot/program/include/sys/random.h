#ifndef BAREFLOW_SYS_RANDOM_H
#define BAREFLOW_SYS_RANDOM_H

#include <__llvm-libc-common.h>
#include <sys/types.h>

#define GRND_NONBLOCK 1
#define GRND_RANDOM 2

__BEGIN_C_DECLS
ssize_t getrandom(void *buffer, size_t size, unsigned flags);
int getentropy(void *buffer, size_t size);
__END_C_DECLS

#endif
