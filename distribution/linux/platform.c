/* A Linux process as the runtime's machine: raw system calls, no C library under them. */
#include "platform.h"

#include "architecture.h"

enum {
  LINUX_EINTR = -4,
  PROT_BITS = 7,
  MAP_PRIVATE_ANONYMOUS = 0x22,
  MAP_AT_FREE_ADDRESS = 0x100000,
  CLOCK_OF_DAY = 0,
  CLOCK_THAT_NEVER_GOES_BACK = 1,
  LAST_ERROR = 4095,
  GET_TERMINAL_ATTRIBUTES = 0x5401,
  ABORTED = 134
};

/* Where pages are looked for when the second GiB is full: downwards from its beginning to the image. */
static uintptr_t next_below = UINT64_C(1) << 30;
static const uintptr_t lowest = UINT64_C(256) << 20;

/* Linux counts the bits of a protection as the header does. */
_Static_assert(BAREFLOW_READ == 1 && BAREFLOW_WRITE == 2 && BAREFLOW_EXECUTE == 4, "PROT_READ...");

/* NULL if there are none. An address in the upper half looks like a negative number on 32-bit machines. */
static void *map(uintptr_t address, size_t size, unsigned protection, long flags) {
  long result = system_call(SYSTEM_MMAP, (long)address, (long)size, protection & PROT_BITS,
                            MAP_PRIVATE_ANONYMOUS | flags, -1);
  return result < 0 && result >= -LAST_ERROR ? NULL : (void *)result;
}

static void *map_pages(void *user, size_t size, unsigned protection) {
  (void)user;
  void *address = map(0, size, protection, MAP_LOW);
  if (address)
    return address;
  if (size > next_below - lowest)
    return NULL;
  address = map(next_below - size, size, protection, MAP_AT_FREE_ADDRESS);
  if (address)
    next_below = (uintptr_t)address;
  return address;
}

static int unmap_pages(void *user, void *pages, size_t size) {
  (void)user;
  return system_call(SYSTEM_MUNMAP, (long)pages, (long)size, 0, 0, 0) != 0;
}

static int protect_pages(void *user, void *pages, size_t size, unsigned protection) {
  (void)user;
  return system_call(SYSTEM_MPROTECT, (long)pages, (long)size, protection & PROT_BITS, 0, 0) != 0;
}

static void end(void *user, int status) {
  (void)user;
  for (;;)
    system_call(SYSTEM_EXIT_GROUP, status, 0, 0, 0, 0);
}

static int write_all(int descriptor, const char *bytes, size_t count) {
  while (count) {
    long written = system_call(SYSTEM_WRITE, descriptor, (long)bytes, (long)count, 0, 0);
    if (written == LINUX_EINTR)
      continue;
    if (written < 0)
      return 0;
    bytes += written;
    count -= (size_t)written;
  }
  return 1;
}

static void console_write(void *user, int descriptor, const char *bytes, size_t count) {
  /* A program whose output nobody takes ends, as a closed pipe ends others. */
  if (!write_all(descriptor, bytes, count) && descriptor == 1)
    end(user, 1);
}

static size_t console_read(void *user, char *buffer, size_t capacity) {
  (void)user;
  long count;
  do
    count = system_call(SYSTEM_READ, 0, (long)buffer, (long)capacity, 0, 0);
  while (count == LINUX_EINTR);
  return count < 0 ? 0 : (size_t)count;
}

static int is_terminal(void *user, int descriptor) {
  (void)user;
  char attributes[64];
  return system_call(SYSTEM_IOCTL, descriptor, GET_TERMINAL_ATTRIBUTES, (long)attributes, 0, 0) == 0;
}

struct timespec {
  int64_t seconds;
  int64_t nanoseconds;
};

static const uint64_t second_ns = 1000000000;

static uint64_t clock_ns(int clock) {
  struct timespec now = {0, 0};
  system_call(SYSTEM_CLOCK_GETTIME, clock, (long)&now, 0, 0, 0);
  return (uint64_t)now.seconds * second_ns + (uint64_t)now.nanoseconds;
}

static uint64_t monotonic_ns(void *user) {
  (void)user;
  return clock_ns(CLOCK_THAT_NEVER_GOES_BACK);
}

static uint64_t realtime_ns(void *user) {
  (void)user;
  return clock_ns(CLOCK_OF_DAY);
}

static void sleep_ns(void *user, uint64_t duration) {
  (void)user;
  struct timespec left = {(int64_t)(duration / second_ns), (int64_t)(duration % second_ns)};
  while (system_call(SYSTEM_CLOCK_NANOSLEEP, CLOCK_THAT_NEVER_GOES_BACK, 0, (long)&left, (long)&left,
                     0) == LINUX_EINTR) {
  }
}

static void fill_random(void *user, void *buffer, size_t size) {
  (void)user;
  char *bytes = buffer;
  while (size) {
    long count = system_call(SYSTEM_GETRANDOM, (long)bytes, (long)size, 0, 0, 0);
    if (count > 0) {
      bytes += count;
      size -= (size_t)count;
    }
  }
}

static void fail(void *user, const char *message, size_t size) {
  write_all(2, message, size);
  write_all(2, "\n", 1);
  end(user, ABORTED);
}

bareflow_platform_t bareflow_linux = {
    .size = sizeof(bareflow_platform_t),
    .map_pages = map_pages,
    .unmap_pages = unmap_pages,
    .protect_pages = protect_pages,
    .console_write = console_write,
    .console_read = console_read,
    .is_terminal = is_terminal,
    .monotonic_ns = monotonic_ns,
    .realtime_ns = realtime_ns,
    .sleep_ns = sleep_ns,
    .fill_random = fill_random,
    .exit = end,
    .abort = fail,
};
