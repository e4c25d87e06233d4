// The name of 4.2BSD.
#ifndef BAREFLOW_SYS_DIR_H
#define BAREFLOW_SYS_DIR_H

#include <dirent.h>

#define direct dirent

#endif
