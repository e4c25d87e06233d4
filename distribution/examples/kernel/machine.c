/* A PC as the runtime's machine: pages behind the image, the first serial port, the time stamp counter. */
#include <bareflow/platform.h>

#include <string.h>

enum {
  SERIAL_DATA = 0x3f8,
  SERIAL_STATUS = 0x3fd,
  SERIAL_CAN_SEND = 0x20,
  /* QEMU's isa-debug-exit ends it with twice the value and one. */
  EXIT_PORT = 0xf4,
  EXIT_SUCCESS = 0x10,
  EXIT_FAILURE = 0x11
};

static const uint32_t msr_fs_base = 0xc0000100;
/* What -m 128M gives, without asking the firmware. */
static const uintptr_t memory_end = 128 << 20;

extern char __image_end[];
extern int main(int argc, char **argv, char **envp);

static void write_byte(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t read_byte(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

/* Pages are never given back, and all of memory may be written and executed: a real kernel does better. */
static void *map_pages(void *user, size_t size, unsigned protection) {
  (void)user;
  (void)protection;
  static uintptr_t next;
  if (!next)
    next = ((uintptr_t)__image_end + 4095) & ~(uintptr_t)4095;
  if (size > memory_end - next)
    return NULL;
  void *pages = (void *)next;
  next += size;
  return memset(pages, 0, size);
}

static void console_write(void *user, int descriptor, const char *bytes, size_t count) {
  (void)user;
  (void)descriptor;
  for (size_t i = 0; i < count; ++i) {
    while (!(read_byte(SERIAL_STATUS) & SERIAL_CAN_SEND)) {
    }
    write_byte(SERIAL_DATA, (uint8_t)bytes[i]);
  }
}

/* As if the counter went at 1 GHz. */
static uint64_t now_ns(void *user) {
  (void)user;
  return __builtin_ia32_rdtsc();
}

/* Good enough for hash tables, and for no secret. */
static void fill_random(void *user, void *buffer, size_t size) {
  uint64_t state = now_ns(user);
  for (size_t i = 0; i < size; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ((char *)buffer)[i] = (char)(state >> 56);
  }
}

static void stop(void *user, int status) {
  (void)user;
  uint32_t value = status ? EXIT_FAILURE : EXIT_SUCCESS;
  __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"((uint16_t)EXIT_PORT));
  for (;;)
    __asm__ volatile("hlt");
}

static void fail(void *user, const char *message, size_t size) {
  console_write(user, 2, message, size);
  console_write(user, 2, "\n", 1);
  stop(user, 1);
}

static const bareflow_platform_t machine = {
    .size = sizeof machine,
    .map_pages = map_pages,
    .console_write = console_write,
    .monotonic_ns = now_ns,
    .realtime_ns = now_ns,
    .fill_random = fill_random,
    .exit = stop,
    .abort = fail,
};

_Noreturn void machine_start(void) {
  static _Alignas(64) char thread_block[1024];
  static const char *const arguments[] = {"kernel", NULL};
  if (bareflow_install(&machine) || bareflow_thread_block_size() > sizeof thread_block)
    stop(NULL, 1);
  uintptr_t pointer = (uintptr_t)bareflow_thread_block_initialise(thread_block);
  __asm__ volatile("wrmsr" : : "c"(msr_fs_base), "a"((uint32_t)pointer), "d"(0));
  bareflow_run(main, 1, arguments);
}
