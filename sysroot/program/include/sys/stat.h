#ifndef BAREFLOW_PROGRAM_SYS_STAT_H
#define BAREFLOW_PROGRAM_SYS_STAT_H

#include_next <sys/stat.h>

#define S_IREAD S_IRUSR
#define S_IWRITE S_IWUSR
#define S_IEXEC S_IXUSR
#define S_BLKSIZE 512
#define ACCESSPERMS (S_IRWXU | S_IRWXG | S_IRWXO)
#define ALLPERMS 07777
#define DEFFILEMODE 0666
#define S_TYPEISMQ(status) 0
#define S_TYPEISSEM(status) 0
#define S_TYPEISSHM(status) 0
#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

#ifdef __cplusplus
extern "C" {
#endif
int fstatat(int directory, const char *__restrict path, struct stat *__restrict result, int flags);
int utimensat(int directory, const char *path, const struct timespec times[2], int flags);
int mkfifo(const char *path, mode_t mode);
int mknod(const char *path, mode_t mode, dev_t device);
#ifdef __cplusplus
}
#endif

// Names of the time when off_t had 32 bits elsewhere; the structure has the name of the function.
#define stat64 stat
#define fstat64 fstat
#define lstat64 lstat
#define fstatat64 fstatat

#endif
