#ifndef BAREFLOW_SYS_MMAN_H
#define BAREFLOW_SYS_MMAN_H

#include <llvm-libc-macros/linux/sys-mman-macros.h>
#include_next <sys/mman.h>

#include <sys/types.h>

__BEGIN_C_DECLS
int shm_open(const char *name, int flags, mode_t mode);
int shm_unlink(const char *name);
__END_C_DECLS

#endif
