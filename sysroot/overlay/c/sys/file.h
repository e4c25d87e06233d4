#ifndef BAREFLOW_SYS_FILE_H
#define BAREFLOW_SYS_FILE_H

#include <fcntl.h>

#endif
