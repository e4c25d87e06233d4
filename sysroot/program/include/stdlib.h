#ifndef BAREFLOW_PROGRAM_STDLIB_H
#define BAREFLOW_PROGRAM_STDLIB_H

#include_next <stdlib.h>

#include <bits/stdlib_posix.h>

#endif
