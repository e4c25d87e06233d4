#ifndef BAREFLOW_SCHED_H
#define BAREFLOW_SCHED_H

#include <__llvm-libc-common.h>
#include <llvm-libc-types/cpu_set_t.h>
#include <llvm-libc-types/struct_timespec.h>
#include <sys/types.h>

#define SCHED_OTHER 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5

#define SCHED_RESET_ON_FORK 0x40000000

struct sched_param {
  int sched_priority;
};

// Sets of processors, of which there is one.
#define CPU_SETSIZE 1024
#define __CPU_WORD(cpu, set) ((set)->__mask[(cpu) / 64])
#define __CPU_BIT(cpu) (1ul << ((cpu) % 64))
#define CPU_ZERO(set) ((void)__builtin_memset((set), 0, sizeof(cpu_set_t)))
#define CPU_SET(cpu, set) ((void)(__CPU_WORD(cpu, set) |= __CPU_BIT(cpu)))
#define CPU_CLR(cpu, set) ((void)(__CPU_WORD(cpu, set) &= ~__CPU_BIT(cpu)))
#define CPU_ISSET(cpu, set) ((__CPU_WORD(cpu, set) & __CPU_BIT(cpu)) != 0)
#define CPU_EQUAL(left, right) (__builtin_memcmp((left), (right), sizeof(cpu_set_t)) == 0)
#define CPU_COUNT(set) __cpu_count(set)

static __inline int __cpu_count(const cpu_set_t *set) {
  int count = 0;
  for (unsigned index = 0; index < CPU_SETSIZE / 64; ++index)
    count += __builtin_popcountl(set->__mask[index]);
  return count;
}

__BEGIN_C_DECLS
int sched_yield(void);
int sched_get_priority_max(int policy);
int sched_get_priority_min(int policy);
int sched_getparam(pid_t process, struct sched_param *parameters);
int sched_setparam(pid_t process, const struct sched_param *parameters);
int sched_getscheduler(pid_t process);
int sched_setscheduler(pid_t process, int policy, const struct sched_param *parameters);
int sched_rr_get_interval(pid_t process, struct timespec *interval);
int sched_getcpu(void);
int getcpu(unsigned *processor, unsigned *node);
int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set);
int sched_setaffinity(pid_t process, size_t size, const cpu_set_t *set);
__END_C_DECLS

#endif
