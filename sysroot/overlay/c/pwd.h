// There are no users: every lookup fails.
#ifndef BAREFLOW_PWD_H
#define BAREFLOW_PWD_H

#include <sys/types.h>

struct passwd {
  char *pw_name;
  char *pw_dir;
  uid_t pw_uid;
  gid_t pw_gid;
};

#ifdef __cplusplus
extern "C" {
#endif
int getpwnam_r(const char *name, struct passwd *entry, char *buffer,
               size_t size, struct passwd **result);
int getpwuid_r(uid_t user, struct passwd *entry, char *buffer, size_t size,
               struct passwd **result);
#ifdef __cplusplus
}
#endif

#endif
