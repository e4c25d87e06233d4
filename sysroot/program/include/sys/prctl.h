#ifndef BAREFLOW_SYS_PRCTL_H
#define BAREFLOW_SYS_PRCTL_H

#include <__llvm-libc-common.h>

#define PR_SET_NAME 15
#define PR_GET_NAME 16

__BEGIN_C_DECLS
int prctl(int option, ...);
__END_C_DECLS

#endif
