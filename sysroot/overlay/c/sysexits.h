#ifndef BAREFLOW_SYSEXITS_H
#define BAREFLOW_SYSEXITS_H

#define EX_OK 0
#define EX_USAGE 64
#define EX_SOFTWARE 70
#define EX_IOERR 74

#endif
