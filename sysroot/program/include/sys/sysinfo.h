#ifndef BAREFLOW_SYS_SYSINFO_H
#define BAREFLOW_SYS_SYSINFO_H

#include <__llvm-libc-common.h>

struct sysinfo {
  long uptime;
  unsigned long loads[3];
  unsigned long totalram, freeram, sharedram, bufferram, totalswap, freeswap;
  unsigned short procs;
  unsigned long totalhigh, freehigh;
  unsigned mem_unit;
};

__BEGIN_C_DECLS
int sysinfo(struct sysinfo *information);
int get_nprocs(void);
int get_nprocs_conf(void);
__END_C_DECLS

#endif
