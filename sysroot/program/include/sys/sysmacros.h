#ifndef BAREFLOW_SYS_SYSMACROS_H
#define BAREFLOW_SYS_SYSMACROS_H

#include <sys/types.h>

#define major(device) ((unsigned)((((dev_t)(device)) >> 8) & 0xfff) | (unsigned)((((dev_t)(device)) >> 32) & ~0xfffu))
#define minor(device) ((unsigned)(((dev_t)(device)) & 0xff) | (unsigned)((((dev_t)(device)) >> 12) & ~0xffu))
#define makedev(major, minor)                                                                                         \
  ((((dev_t)(major) & 0xfffu) << 8) | (((dev_t)(major) & ~(dev_t)0xfffu) << 32) | ((dev_t)(minor) & 0xffu) |            \
   (((dev_t)(minor) & ~(dev_t)0xffu) << 12))

#endif
