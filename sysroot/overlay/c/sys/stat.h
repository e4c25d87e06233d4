#ifndef BAREFLOW_SYS_STAT_H
#define BAREFLOW_SYS_STAT_H

#include <llvm-libc-macros/linux/sys-stat-macros.h>
#include_next <sys/stat.h>

#define st_atime st_atim.tv_sec
#define st_mtime st_mtim.tv_sec
#define st_ctime st_ctim.tv_sec

__BEGIN_C_DECLS
mode_t umask(mode_t mask);
int futimens(int file, const struct timespec times[2]);
__END_C_DECLS

#endif
