#ifndef BAREFLOW_SYS_UTSNAME_H
#define BAREFLOW_SYS_UTSNAME_H

#include <__llvm-libc-common.h>
#include <llvm-libc-types/struct_utsname.h>

__BEGIN_C_DECLS
int uname(struct utsname *names);
__END_C_DECLS

#endif
