// There is no network: every call fails with ENOSYS.
#ifndef BAREFLOW_SYS_SOCKET_H
#define BAREFLOW_SYS_SOCKET_H

#include <sys/types.h>

#define AF_UNIX 1
#define SOCK_STREAM 1

typedef unsigned socklen_t;
typedef unsigned short sa_family_t;
struct sockaddr {
  sa_family_t sa_family;
  char sa_data[14];
};

#ifdef __cplusplus
extern "C" {
#endif
int socket(int domain, int type, int protocol);
int bind(int socket, const struct sockaddr *address, socklen_t size);
int listen(int socket, int backlog);
int accept(int socket, struct sockaddr *address, socklen_t *size);
int connect(int socket, const struct sockaddr *address, socklen_t size);
#ifdef __cplusplus
}
#endif

#endif
