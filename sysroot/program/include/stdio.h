// ISO C's streams with what POSIX and GNU add.
#ifndef BAREFLOW_PROGRAM_STDIO_H
#define BAREFLOW_PROGRAM_STDIO_H

#include_next <stdio.h>

#include <sys/types.h>

#undef TMP_MAX
#undef L_tmpnam
#define TMP_MAX 238328
#define L_tmpnam 20
#define L_ctermid 9
#define P_tmpdir "/tmp"
#ifndef BUFSIZ
#define BUFSIZ 1024
#endif

__BEGIN_C_DECLS
FILE *fdopen(int file, const char *mode) __NOEXCEPT;
FILE *fmemopen(void *buffer, size_t size, const char *mode) __NOEXCEPT;
FILE *open_memstream(char **start, size_t *size) __NOEXCEPT;
FILE *popen(const char *command, const char *mode) __NOEXCEPT;
int pclose(FILE *stream) __NOEXCEPT;
char *ctermid(char *name) __NOEXCEPT;
char *tmpnam(char *name) __NOEXCEPT;
char *tmpnam_r(char *name) __NOEXCEPT;
char *tempnam(const char *folder, const char *prefix) __NOEXCEPT;
void setbuffer(FILE *stream, char *buffer, size_t size) __NOEXCEPT;
void setlinebuf(FILE *stream) __NOEXCEPT;
int fseeko(FILE *stream, off_t offset, int whence) __NOEXCEPT;
off_t ftello(FILE *stream) __NOEXCEPT;
ssize_t getline(char **__restrict line, size_t *__restrict size,
                FILE *__restrict stream) __NOEXCEPT;
ssize_t getdelim(char **__restrict line, size_t *__restrict size, int stop,
                 FILE *__restrict stream) __NOEXCEPT;
int getw(FILE *stream) __NOEXCEPT;
int putw(int word, FILE *stream) __NOEXCEPT;
int putc_unlocked(int character, FILE *stream) __NOEXCEPT;
int putchar_unlocked(int character) __NOEXCEPT;
int fputc_unlocked(int character, FILE *stream) __NOEXCEPT;
int fflush_unlocked(FILE *stream) __NOEXCEPT;
int fileno_unlocked(FILE *stream) __NOEXCEPT;
char *fgets_unlocked(char *__restrict buffer, int size,
                     FILE *__restrict stream) __NOEXCEPT;
int fputs_unlocked(const char *__restrict text,
                   FILE *__restrict stream) __NOEXCEPT;
int ftrylockfile(FILE *stream) __NOEXCEPT;
int vdprintf(int file, const char *__restrict format,
             va_list arguments) __NOEXCEPT;
int renameat(int from_folder, const char *from, int to_folder,
             const char *to) __NOEXCEPT;

__END_C_DECLS

// Names of the time when off_t had 32 bits elsewhere.
#define fopen64 fopen
#define freopen64 freopen
#define fseeko64 fseeko
#define ftello64 ftello
#define fgetpos64 fgetpos
#define fsetpos64 fsetpos
#define tmpfile64 tmpfile

#endif
