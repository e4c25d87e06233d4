/* The entry of a static Linux program: the runtime's machine, a stack for LLVM, then main. */
#include "platform.h"

#include "architecture.h"

/* LLVM recurses deeply: as much as Linux gives programs, and LLVM's share. */
#define STACK_BYTES ((size_t)16 << 20)
#define GUARD_BYTES ((size_t)1 << 20)

__asm__(".pushsection .text._start, \"ax\", @progbits\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n" ENTRY_CODE
        ".size _start, . - _start\n"
        ".popsection\n");

/* A program may declare it with fewer parameters: it finds those that it has. */
extern int main(int argc, char **argv, char **envp);

/* Destructors of static objects and handlers of atexit, in one order. The runtime's own forget the first, as kernels
 * whose LLVM lives as long as the machine want it. */
int bareflow_image_at_exit(void (*function)(void *), void *argument);

int __cxa_atexit(void (*function)(void *), void *argument, void *image) {
  (void)image;
  return bareflow_image_at_exit(function, argument);
}

static void call(void *function) { ((void (*)(void))function)(); }

int atexit(void (*function)(void)) { return bareflow_image_at_exit(call, (void *)function); }

static _Noreturn void refuse(void) {
  static const char message[] = "there is too little memory to start";
  bareflow_linux.abort(NULL, message, sizeof message - 1);
  __builtin_unreachable();
}

static void *pages(size_t size) {
  const size_t page = 4096;
  size = (size + page - 1) / page * page;
  void *address = bareflow_linux.map_pages(NULL, size, BAREFLOW_READ | BAREFLOW_WRITE);
  if (!address)
    refuse();
  return address;
}

static _Noreturn void run(const long *initial) {
  bareflow_run(main, (int)*initial, (const char *const *)(initial + 1));
}

_Noreturn void bareflow_linux_start(const long *initial) {
  bareflow_linux.environment = (const char *const *)(initial + *initial + 2);
  if (bareflow_install(&bareflow_linux))
    refuse();
  if (set_thread_pointer(bareflow_thread_block_initialise(pages(bareflow_thread_block_size()))))
    refuse();
  char *stack = pages(GUARD_BYTES + STACK_BYTES);
  bareflow_linux.protect_pages(NULL, stack, GUARD_BYTES, 0);
  call_on_stack(stack + GUARD_BYTES + STACK_BYTES, run, initial);
}
