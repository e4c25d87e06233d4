// Tables of file systems in files; there is none in this system itself.
#ifndef BAREFLOW_MNTENT_H
#define BAREFLOW_MNTENT_H

#include <__llvm-libc-common.h>
#include <llvm-libc-types/FILE.h>

#define MNTTAB "/etc/fstab"
#define MOUNTED "/etc/mtab"
#define MNTTYPE_IGNORE "ignore"
#define MNTTYPE_NFS "nfs"
#define MNTTYPE_SWAP "swap"
#define MNTOPT_DEFAULTS "defaults"
#define MNTOPT_RO "ro"
#define MNTOPT_RW "rw"
#define MNTOPT_SUID "suid"
#define MNTOPT_NOSUID "nosuid"
#define MNTOPT_NOAUTO "noauto"

struct mntent {
  char *mnt_fsname, *mnt_dir, *mnt_type, *mnt_opts;
  int mnt_freq, mnt_passno;
};

__BEGIN_C_DECLS
FILE *setmntent(const char *path, const char *mode);
struct mntent *getmntent(FILE *stream);
struct mntent *getmntent_r(FILE *__restrict stream, struct mntent *__restrict entry, char *__restrict buffer, int size);
int addmntent(FILE *__restrict stream, const struct mntent *__restrict entry);
int endmntent(FILE *stream);
char *hasmntopt(const struct mntent *entry, const char *option);
__END_C_DECLS

#endif
