// Unnamed semaphores; waiting at 0 for a post that no other thread can do ends the program with a message.
#ifndef BAREFLOW_SEMAPHORE_H
#define BAREFLOW_SEMAPHORE_H

#include <__llvm-libc-common.h>
#include <sys/types.h>
#include <time.h>

#define SEM_VALUE_MAX 0x7fffffff
#define SEM_FAILED ((sem_t *)0)

typedef struct {
  unsigned __value;
} sem_t;

__BEGIN_C_DECLS
int sem_init(sem_t *semaphore, int shared, unsigned value);
int sem_destroy(sem_t *semaphore);
int sem_getvalue(sem_t *__restrict semaphore, int *__restrict value);
int sem_post(sem_t *semaphore);
int sem_trywait(sem_t *semaphore);
int sem_timedwait(sem_t *__restrict semaphore, const struct timespec *__restrict deadline);
int sem_wait(sem_t *semaphore);
sem_t *sem_open(const char *name, int flags, ...);
int sem_close(sem_t *semaphore);
int sem_unlink(const char *name);
int sem_clockwait(sem_t *__restrict semaphore, clockid_t clock, const struct timespec *__restrict deadline);
__END_C_DECLS

#endif
