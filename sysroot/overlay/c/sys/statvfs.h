#ifndef BAREFLOW_SYS_STATVFS_H
#define BAREFLOW_SYS_STATVFS_H

struct statvfs {
  unsigned long f_bsize, f_frsize;
  unsigned long f_blocks, f_bfree, f_bavail;
  unsigned long f_files, f_ffree, f_favail;
  unsigned long f_fsid, f_flag, f_namemax;
  unsigned long f_flags;
};

#define MNT_LOCAL 0x1000

#ifdef __cplusplus
extern "C" {
#endif
int statvfs(const char *path, struct statvfs *result);
int fstatvfs(int file, struct statvfs *result);
#ifdef __cplusplus
}
#endif

#endif
