// ISO C's <limits.h> with the limits of POSIX that `sysconf` tells, too.
#ifndef BAREFLOW_PROGRAM_LIMITS_H
#define BAREFLOW_PROGRAM_LIMITS_H

#include_next <limits.h>

// The compiler knows no multibyte characters; as many bytes as in glibc are enough for all there are.
#undef MB_LEN_MAX
#define MB_LEN_MAX 16

#define LONG_BIT 64
#define WORD_BIT 32

#define ARG_MAX 131072
#define HOST_NAME_MAX 64
#undef IOV_MAX
#define IOV_MAX 1024
#define LINE_MAX 2048
#define LOGIN_NAME_MAX 256
#define NGROUPS_MAX 32
#define NL_ARGMAX 4096
#define NL_MSGMAX 2147483647
#define NL_SETMAX 2147483647
#define NL_TEXTMAX 2147483647
#define NZERO 20
#define MAX_CANON 255
#define MAX_INPUT 255
#define RTSIG_MAX 32
#define NL_LANGMAX 2048
#define CHARCLASS_NAME_MAX 2048
#define COLL_WEIGHTS_MAX 255
#define EXPR_NEST_MAX 32
#define BC_BASE_MAX 99
#define BC_DIM_MAX 2048
#define BC_SCALE_MAX 99
#define BC_STRING_MAX 1000
#define OPEN_MAX 1024
#define LINK_MAX 127
#define PTHREAD_STACK_MIN 16384
#define PTHREAD_KEYS_MAX 1024
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#define SEM_VALUE_MAX 0x7fffffff
#define DELAYTIMER_MAX 0x7fffffff
#define PIPE_BUF 4096
#define RE_DUP_MAX 32767
#define SYMLOOP_MAX 40
#define TTY_NAME_MAX 32

// What every system of POSIX has at least.
#define _POSIX_CHILD_MAX 25
#define _POSIX_HOST_NAME_MAX 255
#define _POSIX_LINK_MAX 8
#define _POSIX_LOGIN_NAME_MAX 9
#define _POSIX_MAX_CANON 255
#define _POSIX_MAX_INPUT 255
#define _POSIX_NAME_MAX 14
#define _POSIX_NGROUPS_MAX 8
#define _POSIX_OPEN_MAX 20
#define _POSIX_PATH_MAX 256
#define _POSIX_PIPE_BUF 512
#define _POSIX_RE_DUP_MAX 255
#define _POSIX_SSIZE_MAX 32767
#define _POSIX_STREAM_MAX 8
#define _POSIX_SYMLINK_MAX 255
#define _POSIX_SYMLOOP_MAX 8
#define _POSIX_TTY_NAME_MAX 9
#define _POSIX_TZNAME_MAX 6
#define _POSIX2_LINE_MAX 2048
#define _XOPEN_IOV_MAX 16
#define _XOPEN_NAME_MAX 255
#define _XOPEN_PATH_MAX 1024

#endif
