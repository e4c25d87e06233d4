#ifndef BAREFLOW_PROGRAM_MEMORY_H
#define BAREFLOW_PROGRAM_MEMORY_H

#include <string.h>

#endif
