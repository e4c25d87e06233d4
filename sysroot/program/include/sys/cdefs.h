#ifndef BAREFLOW_SYS_CDEFS_H
#define BAREFLOW_SYS_CDEFS_H

#include <__llvm-libc-common.h>

#ifdef __cplusplus
#define __BEGIN_DECLS extern "C" {
#define __END_DECLS }
#define __THROW noexcept
#else
#define __BEGIN_DECLS
#define __END_DECLS
#define __THROW
#endif
#define __P(arguments) arguments
#define __CONCAT(left, right) left##right
#define __STRING(text) #text
#ifndef __GNUC_PREREQ
#define __GNUC_PREREQ(major, minor) ((__GNUC__ << 16) + __GNUC_MINOR__ >= ((major) << 16) + (minor))
#endif

#endif
