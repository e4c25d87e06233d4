#ifndef BAREFLOW_ARPA_INET_H
#define BAREFLOW_ARPA_INET_H

#include <netinet/in.h>

__BEGIN_C_DECLS
in_addr_t inet_addr(const char *text);
int inet_aton(const char *text, struct in_addr *result);
char *inet_ntoa(struct in_addr address);
int inet_pton(int family, const char *__restrict text, void *__restrict result);
const char *inet_ntop(int family, const void *__restrict address, char *__restrict buffer, socklen_t size);
__END_C_DECLS

#endif
