#ifndef BAREFLOW_SYS_TYPES_H
#define BAREFLOW_SYS_TYPES_H

#define __need_size_t
#include <stddef.h>
#include <stdint.h>
#include <llvm-libc-types/blkcnt_t.h>
#include <llvm-libc-types/blksize_t.h>
#include <llvm-libc-types/clockid_t.h>
#include <llvm-libc-types/dev_t.h>
#include <llvm-libc-types/gid_t.h>
#include <llvm-libc-types/ino_t.h>
#include <llvm-libc-types/mode_t.h>
#include <llvm-libc-types/nlink_t.h>
#include <llvm-libc-types/off_t.h>
#include <llvm-libc-types/pid_t.h>
#include <llvm-libc-types/size_t.h>
#include <llvm-libc-types/ssize_t.h>
#include <llvm-libc-types/suseconds_t.h>
#include <llvm-libc-types/time_t.h>
#include <llvm-libc-types/uid_t.h>

#endif
