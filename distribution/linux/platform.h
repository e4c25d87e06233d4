/* The table of a Linux process; the entry adds the environment. */
#ifndef BAREFLOW_LINUX_PLATFORM_H
#define BAREFLOW_LINUX_PLATFORM_H

#include <bareflow/platform.h>

extern bareflow_platform_t bareflow_linux;

#endif
