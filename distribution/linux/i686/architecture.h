/* Linux on 32-bit x86: how a program is started, how Linux is called (arch/x86/entry/syscalls/syscall_32.tbl). */
#ifndef BAREFLOW_LINUX_ARCHITECTURE_H
#define BAREFLOW_LINUX_ARCHITECTURE_H

#include <stdint.h>

enum {
  SYSTEM_READ = 3,
  SYSTEM_WRITE = 4,
  SYSTEM_IOCTL = 54,
  SYSTEM_MUNMAP = 91,
  SYSTEM_MPROTECT = 125,
  /* mmap2: the offset, which is 0, counts pages. */
  SYSTEM_MMAP = 192,
  SYSTEM_SET_THREAD_AREA = 243,
  SYSTEM_EXIT_GROUP = 252,
  SYSTEM_GETRANDOM = 355,
  /* With seconds of 64 bits. */
  SYSTEM_CLOCK_GETTIME = 403,
  SYSTEM_CLOCK_NANOSLEEP = 407,
  /* Code reaches all addresses. */
  MAP_LOW = 0
};

/* Returns what Linux returns: errors as negative numbers. The sixth argument is 0. */
static inline long system_call(long number, long first, long second, long third, long fourth,
                               long fifth) {
  long result;
  __asm__ volatile("push %%ebp\n"
                   "xor %%ebp, %%ebp\n"
                   "int $0x80\n"
                   "pop %%ebp\n"
                   : "=a"(result)
                   : "a"(number), "b"(first), "c"(second), "d"(third), "S"(fourth), "D"(fifth)
                   : "memory");
  return result;
}

/* System V ABI for i386, section 2.3.1: the stack pointer is at the argument count. */
#define ENTRY_CODE                                                                                 \
  "  xor %ebp, %ebp\n"                                                                             \
  "  mov %esp, %eax\n"                                                                             \
  "  and $-16, %esp\n"                                                                             \
  "  sub $12, %esp\n"                                                                              \
  "  push %eax\n"                                                                                  \
  "  call bareflow_linux_start\n"                                                                  \
  "  ud2\n"

/* struct user_desc: 32-bit data, writable, its limit in pages, present. */
struct segment {
  uint32_t entry;
  uint32_t base;
  uint32_t limit;
  uint32_t flags;
};

/* Returns 0, or an error. */
static inline long set_thread_pointer(void *pointer) {
  const uint32_t any_entry = UINT32_MAX, whole = 0xfffff, is_32_bit = 1, in_pages = 1 << 4,
                 is_usable = 1 << 6, of_user = 3;
  struct segment segment = {any_entry, (uint32_t)pointer, whole, is_32_bit | in_pages | is_usable};
  long result = system_call(SYSTEM_SET_THREAD_AREA, (long)&segment, 0, 0, 0, 0);
  if (!result)
    __asm__ volatile("mov %0, %%gs" : : "r"(segment.entry << 3 | of_user));
  return result;
}

static inline _Noreturn void call_on_stack(char *top, void (*function)(const long *),
                                           const long *argument) {
  __asm__ volatile("mov %0, %%esp\n"
                   "xor %%ebp, %%ebp\n"
                   "sub $12, %%esp\n"
                   "push %2\n"
                   "call *%1\n"
                   "ud2\n"
                   :
                   : "r"(top), "r"(function), "r"(argument)
                   : "memory");
  __builtin_unreachable();
}

#endif
