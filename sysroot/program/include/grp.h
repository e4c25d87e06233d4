// One group, root with the number 0.
#ifndef BAREFLOW_GRP_H
#define BAREFLOW_GRP_H

#include <__llvm-libc-common.h>
#include <sys/types.h>

struct group {
  char *gr_name, *gr_passwd;
  gid_t gr_gid;
  char **gr_mem;
};

__BEGIN_C_DECLS
struct group *getgrnam(const char *name);
struct group *getgrgid(gid_t group);
int getgrnam_r(const char *__restrict name, struct group *__restrict entry, char *__restrict buffer, size_t size,
               struct group **__restrict result);
int getgrgid_r(gid_t group, struct group *__restrict entry, char *__restrict buffer, size_t size,
               struct group **__restrict result);
struct group *getgrent(void);
void setgrent(void);
void endgrent(void);
int setgroups(size_t size, const gid_t *groups);
int initgroups(const char *user, gid_t group);
int getgrouplist(const char *user, gid_t group, gid_t *groups, int *count);
__END_C_DECLS

#endif
