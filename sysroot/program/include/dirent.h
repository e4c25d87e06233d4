#ifndef BAREFLOW_PROGRAM_DIRENT_H
#define BAREFLOW_PROGRAM_DIRENT_H

#include_next <dirent.h>

#define DT_FIFO 1
#define DT_CHR 2
#define DT_BLK 6
#define DT_SOCK 12
#define MAXNAMLEN 255
#define IFTODT(mode) (((mode) & 0170000) >> 12)
#define DTTOIF(type) ((type) << 12)
#define d_fileno d_ino
#define _DIRENT_HAVE_D_TYPE 1

#ifdef __cplusplus
extern "C" {
#endif
DIR *fdopendir(int file);
void rewinddir(DIR *directory);
long telldir(DIR *directory);
void seekdir(DIR *directory, long position);
int dirfd(DIR *directory);
int scandir(const char *__restrict path, struct dirent ***__restrict result, int (*filter)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **));
int readdir_r(DIR *directory, struct dirent *entry, struct dirent **result);
int versionsort(const struct dirent **left, const struct dirent **right);
int alphasort(const struct dirent **left, const struct dirent **right);
#ifdef __cplusplus
}
#endif

// Names of the time when off_t had 32 bits elsewhere.
#define dirent64 dirent
#define readdir64 readdir
#define readdir64_r readdir_r
#define scandir64 scandir
#define alphasort64 alphasort
#define versionsort64 versionsort

#endif
