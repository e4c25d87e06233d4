#ifndef BAREFLOW_SYS_SENDFILE_H
#define BAREFLOW_SYS_SENDFILE_H

#include <sys/types.h>

__BEGIN_C_DECLS
ssize_t sendfile(int to, int from, off_t *offset, size_t size);
__END_C_DECLS

#endif
