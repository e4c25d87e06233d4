#ifndef BAREFLOW_SYS_TYPES_H
#define BAREFLOW_SYS_TYPES_H

#define __need_size_t
#include <stddef.h>

#include <endian.h>
#include <llvm-libc-types/blkcnt_t.h>
#include <llvm-libc-types/blksize_t.h>
#include <llvm-libc-types/clock_t.h>
#include <llvm-libc-types/clockid_t.h>
#include <llvm-libc-types/dev_t.h>
#include <llvm-libc-types/gid_t.h>
#include <llvm-libc-types/ino_t.h>
#include <llvm-libc-types/mode_t.h>
#include <llvm-libc-types/nlink_t.h>
#include <llvm-libc-types/off64_t.h>
#include <llvm-libc-types/off_t.h>
#include <llvm-libc-types/pid_t.h>
#include <llvm-libc-types/size_t.h>
#include <llvm-libc-types/ssize_t.h>
#include <llvm-libc-types/suseconds_t.h>
#include <llvm-libc-types/time_t.h>
#include <llvm-libc-types/uid_t.h>
#include <stdint.h>
#include <sys/cdefs.h>
#include <sys/select.h>

typedef unsigned id_t;
typedef int key_t;
typedef unsigned useconds_t;
typedef unsigned long fsblkcnt_t;
typedef unsigned long fsfilcnt_t;
typedef unsigned char u_char;
typedef unsigned short u_short, ushort;
typedef unsigned u_int, uint;
typedef unsigned long u_long, ulong;
typedef int64_t quad_t;
typedef uint64_t u_quad_t;
typedef uint8_t u_int8_t;
typedef uint16_t u_int16_t;
typedef uint32_t u_int32_t;
typedef uint64_t u_int64_t;
typedef char *caddr_t;
typedef int32_t daddr_t;
typedef int64_t loff_t;
typedef void *timer_t;

#endif
