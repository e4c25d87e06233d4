// One user, root with the number 0, whose home is the root folder.
#ifndef BAREFLOW_PWD_H
#define BAREFLOW_PWD_H

#include <__llvm-libc-common.h>
#include <sys/types.h>

struct passwd {
  char *pw_name, *pw_passwd;
  uid_t pw_uid;
  gid_t pw_gid;
  char *pw_gecos, *pw_dir, *pw_shell;
};

__BEGIN_C_DECLS
struct passwd *getpwnam(const char *name) __asm__("bareflow_getpwnam");
struct passwd *getpwuid(uid_t user) __asm__("bareflow_getpwuid");
int getpwnam_r(const char *__restrict name, struct passwd *__restrict entry, char *__restrict buffer, size_t size,
               struct passwd **__restrict result) __asm__("bareflow_getpwnam_r");
int getpwuid_r(uid_t user, struct passwd *__restrict entry, char *__restrict buffer, size_t size,
               struct passwd **__restrict result) __asm__("bareflow_getpwuid_r");
struct passwd *getpwent(void);
void setpwent(void);
void endpwent(void);
__END_C_DECLS

#endif
