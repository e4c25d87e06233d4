// There is one thread. The types have what their functions need; a zeroed one is as the initialisers make it.
#ifndef BAREFLOW_BITS_PTHREAD_TYPES_H
#define BAREFLOW_BITS_PTHREAD_TYPES_H

#define __need_size_t
#include <stddef.h>

typedef unsigned long pthread_t;
typedef unsigned pthread_key_t;
typedef int pthread_once_t;

typedef struct {
  int __type, __count;
} pthread_mutex_t;
typedef struct {
  int __type, __protocol, __shared, __robust;
} pthread_mutexattr_t;
typedef struct {
  int __clock;
} pthread_cond_t;
typedef struct {
  int __clock, __shared;
} pthread_condattr_t;
typedef struct {
  int __readers, __writer;
} pthread_rwlock_t;
typedef struct {
  int __shared;
} pthread_rwlockattr_t;
typedef struct {
  unsigned __count;
} pthread_barrier_t;
typedef struct {
  int __shared;
} pthread_barrierattr_t;
typedef volatile int pthread_spinlock_t;
typedef struct {
  int __detach_state, __inherit, __policy, __priority, __scope;
  size_t __stack_size, __guard_size;
  void *__stack;
} pthread_attr_t;

#endif
