#ifndef BAREFLOW_STDIO_H
#define BAREFLOW_STDIO_H

#define __need_NULL
#include <stddef.h>
#include_next <stdio.h>

#include <sys/types.h>

#define EOF (-1)
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2
#define FILENAME_MAX 4096
#define FOPEN_MAX 16
#define TMP_MAX 0
#define L_tmpnam 20

typedef off_t fpos_t;

__BEGIN_C_DECLS
#ifndef stdin
extern FILE *stdin;
extern FILE *stdout;
extern FILE *stderr;
#define stdin stdin
#define stdout stdout
#define stderr stderr
#endif
int fileno(FILE *stream);
void perror(const char *prefix);
void rewind(FILE *stream);
int fgetpos(FILE *stream, fpos_t *position);
int fsetpos(FILE *stream, const fpos_t *position);
FILE *freopen(const char *path, const char *mode, FILE *stream);
int rename(const char *from, const char *to);
FILE *tmpfile(void);
int dprintf(int file, const char *__restrict format, ...);
int asprintf(char **__restrict result, const char *__restrict format, ...);
int vasprintf(char **__restrict result, const char *__restrict format,
              va_list arguments);
int vsscanf(const char *__restrict text, const char *__restrict format,
            va_list arguments);
int vscanf(const char *__restrict format, va_list arguments);
int vfscanf(FILE *__restrict stream, const char *__restrict format,
            va_list arguments);
__END_C_DECLS

#endif
