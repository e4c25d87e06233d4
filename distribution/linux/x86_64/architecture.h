/* Linux on x86-64: how a program is started, how Linux is called (arch/x86/entry/syscalls/syscall_64.tbl). */
#ifndef BAREFLOW_LINUX_ARCHITECTURE_H
#define BAREFLOW_LINUX_ARCHITECTURE_H

enum {
  SYSTEM_READ = 0,
  SYSTEM_WRITE = 1,
  SYSTEM_MMAP = 9,
  SYSTEM_MPROTECT = 10,
  SYSTEM_MUNMAP = 11,
  SYSTEM_IOCTL = 16,
  SYSTEM_ARCH_PRCTL = 158,
  SYSTEM_CLOCK_GETTIME = 228,
  SYSTEM_CLOCK_NANOSLEEP = 230,
  SYSTEM_EXIT_GROUP = 231,
  SYSTEM_GETRANDOM = 318,
  SET_FS_BASE = 0x1002,
  /* The second GiB: code reaches data by 32-bit addresses. */
  MAP_LOW = 0x40
};

/* Returns what Linux returns: errors as negative numbers. The sixth argument is 0. */
static inline long system_call(long number, long first, long second, long third, long fourth,
                               long fifth) {
  register long r10 __asm__("r10") = fourth;
  register long r8 __asm__("r8") = fifth;
  register long r9 __asm__("r9") = 0;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* System V ABI for x86-64, section 3.4.1: the stack pointer is at the argument count. */
#define ENTRY_CODE                                                                                 \
  "  xor %ebp, %ebp\n"                                                                             \
  "  mov %rsp, %rdi\n"                                                                             \
  "  and $-16, %rsp\n"                                                                             \
  "  call bareflow_linux_start\n"                                                                  \
  "  ud2\n"

/* Returns 0, or an error. */
static inline long set_thread_pointer(void *pointer) {
  return system_call(SYSTEM_ARCH_PRCTL, SET_FS_BASE, (long)pointer, 0, 0, 0);
}

static inline _Noreturn void call_on_stack(char *top, void (*function)(const long *),
                                           const long *argument) {
  __asm__ volatile("mov %0, %%rsp\n"
                   "xor %%ebp, %%ebp\n"
                   "call *%1\n"
                   "ud2\n"
                   :
                   : "r"(top), "r"(function), "D"(argument)
                   : "memory");
  __builtin_unreachable();
}

#endif
