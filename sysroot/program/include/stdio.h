// What POSIX adds to ISO C's streams, and large files.
#ifndef BAREFLOW_PROGRAM_STDIO_H
#define BAREFLOW_PROGRAM_STDIO_H

#include_next <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
FILE *fdopen(int descriptor, const char *mode);
int fseeko(FILE *stream, off_t offset, int whence);
off_t ftello(FILE *stream);
FILE *popen(const char *command, const char *mode);
int pclose(FILE *stream);
#ifdef __cplusplus
}
#endif

#endif
