#ifndef BAREFLOW_PROGRAM_SYS_MMAN_H
#define BAREFLOW_PROGRAM_SYS_MMAN_H

#include_next <sys/mman.h>

#define MCL_CURRENT 1
#define MCL_FUTURE 2
#define MCL_ONFAULT 4
#define MLOCK_ONFAULT 1

#ifdef __cplusplus
extern "C" {
#endif
int msync(void *address, size_t size, int flags);
int mlock(const void *address, size_t size);
int mlock2(const void *address, size_t size, unsigned flags);
int mlockall(int flags);
int munlock(const void *address, size_t size);
int munlockall(void);
#ifdef __cplusplus
}
#endif

// Names of the time when off_t had 32 bits elsewhere.
#define mmap64 mmap

#endif
