#ifndef BAREFLOW_LIMITS_H
#define BAREFLOW_LIMITS_H

#include_next <limits.h>

#define PATH_MAX 4096
#define NAME_MAX 255
#define _POSIX_ARG_MAX 4096
#define IOV_MAX 16
#define SSIZE_MAX LONG_MAX

#endif
