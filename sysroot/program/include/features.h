#ifndef BAREFLOW_FEATURES_H
#define BAREFLOW_FEATURES_H

#include <__llvm-libc-common.h>
#include <sys/cdefs.h>

// Everything is declared whatever a program asks for; these say so to programs that look.
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#endif
