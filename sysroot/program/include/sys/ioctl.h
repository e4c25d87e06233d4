#ifndef BAREFLOW_SYS_IOCTL_H
#define BAREFLOW_SYS_IOCTL_H

#include <__llvm-libc-common.h>

#define TCGETS 0x5401
#define TCSETS 0x5402
#define TCSETSW 0x5403
#define TCSETSF 0x5404
#define TIOCGPGRP 0x540f
#define TIOCSPGRP 0x5410
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define FIONREAD 0x541b
#define TIOCINQ FIONREAD
#define FIONBIO 0x5421
#define FIONCLEX 0x5450
#define FIOCLEX 0x5451

struct winsize {
  unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};

__BEGIN_C_DECLS
int ioctl(int file, unsigned long request, ...);
__END_C_DECLS

#endif
