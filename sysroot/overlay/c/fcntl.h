#ifndef BAREFLOW_FCNTL_H
#define BAREFLOW_FCNTL_H

#include <llvm-libc-macros/linux/fcntl-macros.h>
#include_next <fcntl.h>

#include <sys/types.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7

struct flock {
  short l_type;
  short l_whence;
  off_t l_start;
  off_t l_len;
  pid_t l_pid;
};

__BEGIN_C_DECLS
int fcntl(int file, int command, ...);
__END_C_DECLS

#endif
