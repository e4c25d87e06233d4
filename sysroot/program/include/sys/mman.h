#ifndef BAREFLOW_PROGRAM_SYS_MMAN_H
#define BAREFLOW_PROGRAM_SYS_MMAN_H

#include_next <sys/mman.h>

#ifdef __cplusplus
extern "C" {
#endif
int msync(void *address, size_t size, int flags);
#ifdef __cplusplus
}
#endif

// Names of the time when off_t had 32 bits elsewhere.
#define mmap64 mmap

#endif
