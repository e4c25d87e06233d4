#ifndef BAREFLOW_PROGRAM_SYS_FILE_H
#define BAREFLOW_PROGRAM_SYS_FILE_H

#include_next <sys/file.h>
#include <fcntl.h>

#undef LOCK_SH
#undef LOCK_EX
#undef LOCK_NB
#undef LOCK_UN
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

#ifdef __cplusplus
extern "C" {
#endif
int flock(int file, int operation);
#ifdef __cplusplus
}
#endif

#endif
