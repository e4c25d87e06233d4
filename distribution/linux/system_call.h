/* How Linux is called on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
#ifndef BAREFLOW_SYSTEM_CALL_H
#define BAREFLOW_SYSTEM_CALL_H

enum {
  SYSTEM_READ = 0,
  SYSTEM_WRITE = 1,
  SYSTEM_MMAP = 9,
  SYSTEM_MPROTECT = 10,
  SYSTEM_MUNMAP = 11,
  SYSTEM_IOCTL = 16,
  SYSTEM_NANOSLEEP = 35,
  SYSTEM_ARCH_PRCTL = 158,
  SYSTEM_CLOCK_GETTIME = 228,
  SYSTEM_EXIT_GROUP = 231,
  SYSTEM_GETRANDOM = 318
};

/* Returns what Linux returns: errors as negative numbers. */
static inline long system_call(long number, long first, long second, long third, long fourth,
                               long fifth, long sixth) {
  register long r10 __asm__("r10") = fourth;
  register long r8 __asm__("r8") = fifth;
  register long r9 __asm__("r9") = sixth;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static inline long system_call3(long number, long first, long second, long third) {
  return system_call(number, first, second, third, 0, 0, 0);
}

#endif
