// It fails with ENOSYS: statvfs says what POSIX has.
#ifndef BAREFLOW_SYS_STATFS_H
#define BAREFLOW_SYS_STATFS_H

#include <sys/types.h>

struct statfs {
  long f_type, f_bsize;
  fsblkcnt_t f_blocks, f_bfree, f_bavail;
  fsfilcnt_t f_files, f_ffree;
  long f_fsid, f_namelen, f_frsize, f_flags, f_spare[4];
};

__BEGIN_C_DECLS
int statfs(const char *path, struct statfs *result);
int fstatfs(int file, struct statfs *result);
__END_C_DECLS

#endif
