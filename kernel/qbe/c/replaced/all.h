/* Stands in the place of QBE's own all.h, which is original.h beside it. */
#include "runtime.h"

/* QBE has a fixed array of 16 MiB for the instructions of a block. This is one of 1 MiB. */
#define insb insb_of_the_original
#include "original.h"
#undef insb
#define NIns (1 << 16)
extern Ins insb[NIns];
