#ifndef BAREFLOW_DIRENT_H
#define BAREFLOW_DIRENT_H

#include <llvm-libc-types/ino_t.h>

#define DT_UNKNOWN 0
#define DT_DIR 4
#define DT_REG 8
#define DT_LNK 10

typedef struct DIR DIR;

struct dirent {
  ino_t d_ino;
  unsigned char d_type;
  char d_name[256];
};

#ifdef __cplusplus
extern "C" {
#endif
DIR *opendir(const char *path);
struct dirent *readdir(DIR *directory);
int closedir(DIR *directory);
#ifdef __cplusplus
}
#endif

#endif
