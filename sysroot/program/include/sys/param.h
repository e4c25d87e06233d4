#ifndef BAREFLOW_SYS_PARAM_H
#define BAREFLOW_SYS_PARAM_H

#include <endian.h>
#include <limits.h>
#include <signal.h>
#include <sys/types.h>

#define MAXPATHLEN PATH_MAX
#define MAXHOSTNAMELEN 256
#define MAXSYMLINKS 40
#define NGROUPS 32
#define NCARGS 131072
#define NOFILE 256
#define HZ 100
#define DEV_BSIZE 512
#define NBBY 8
#define NODEV ((dev_t)-1)
#define NOGROUP (-1)
#define MAXNAMLEN 255
#define EXEC_PAGESIZE 4096
#define CANBSIZ 255

#define setbit(bits, bit) ((bits)[(bit) / NBBY] |= 1 << ((bit) % NBBY))
#define clrbit(bits, bit) ((bits)[(bit) / NBBY] &= ~(1 << ((bit) % NBBY)))
#define isset(bits, bit) ((bits)[(bit) / NBBY] & (1 << ((bit) % NBBY)))
#define isclr(bits, bit) (((bits)[(bit) / NBBY] & (1 << ((bit) % NBBY))) == 0)
#define howmany(count, size) (((count) + ((size) - 1)) / (size))
#define roundup(value, step) ((((value) + ((step) - 1)) / (step)) * (step))
#define powerof2(value) ((((value) - 1) & (value)) == 0)
#ifndef MIN
#define MIN(left, right) (((left) < (right)) ? (left) : (right))
#define MAX(left, right) (((left) > (right)) ? (left) : (right))
#endif

#endif
