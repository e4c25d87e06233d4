#ifndef BAREFLOW_PROGRAM_FCNTL_H
#define BAREFLOW_PROGRAM_FCNTL_H

#include_next <fcntl.h>

// The generated macro has no parentheses.
#undef O_SYNC
#define O_SYNC 04010000
#define O_FSYNC O_SYNC
#define O_ASYNC 020000
#define O_DIRECT 040000
#define O_LARGEFILE 0
#define O_NOATIME 01000000
#define FAPPEND O_APPEND
#define FASYNC O_ASYNC
#define FNDELAY O_NONBLOCK
#define FNONBLOCK O_NONBLOCK
#define F_SETOWN 8
#define F_GETOWN 9
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#define O_NDELAY O_NONBLOCK
#define O_RSYNC O_SYNC
#define AT_EACCESS 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define F_DUPFD_CLOEXEC 1030
#define FD_CLOEXEC 1
#define POSIX_FADV_NORMAL 0
#define POSIX_FADV_RANDOM 1
#define POSIX_FADV_SEQUENTIAL 2
#define POSIX_FADV_WILLNEED 3
#define POSIX_FADV_DONTNEED 4
#define POSIX_FADV_NOREUSE 5

#ifdef __cplusplus
extern "C" {
#endif
int fallocate(int file, int mode, off_t offset, off_t size);
ssize_t readahead(int file, off_t offset, size_t size);
int posix_fadvise(int file, off_t offset, off_t size, int advice);
int posix_fallocate(int file, off_t offset, off_t size);
#ifdef __cplusplus
}
#endif

// Names of the time when off_t had 32 bits elsewhere.
#define open64 open
#define openat64 openat
#define creat64 creat
#define posix_fallocate64 posix_fallocate
#define posix_fadvise64 posix_fadvise

#endif
