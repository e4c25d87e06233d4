/*
 * bareflow/platform.h: the machine under the runtime (libbareflow-runtime.a), as C functions.
 *
 * The runtime is the C++ ABI, the heap, the console streams and the POSIX floor of a program with LLVM in it. It knows
 * the machine by one table, bareflow_platform_t. libbareflow-linux.a has the table of a Linux process, and the entry
 * that calls main; a kernel brings its own:
 *
 *     1. its entry switches SSE on and changes to a stack of at least 8 MiB;
 *     2. bareflow_install(&platform);
 *     3. the thread-local block: zeroed memory of bareflow_thread_block_size() bytes, aligned to 64; the thread pointer
 *        (the base of FS on x86-64, of GS on 32-bit x86) becomes what bareflow_thread_block_initialise(block) returns;
 *     4. bareflow_run(main, argc, argv).
 *
 * The linker script defines __init_array_start, __init_array_end, __fini_array_start, __fini_array_end, __tls_start,
 * __tdata_end and __tls_end: see share/bareflow/kernel.ld. On x86-64 all of the image, and all that map_pages returns, lies
 * below 2 GiB. There is one thread.
 */
#ifndef BAREFLOW_PLATFORM_H
#define BAREFLOW_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BAREFLOW_NORETURN [[noreturn]]
extern "C" {
#else
#define BAREFLOW_NORETURN _Noreturn
#endif

/* Bits of a protection; none of them is a guard. Pages are never writable and executable at once. */
#define BAREFLOW_READ 1u
#define BAREFLOW_WRITE 2u
#define BAREFLOW_EXECUTE 4u

/* A file that the program may read. */
typedef struct bareflow_file {
  /* Absolute. */
  const char *path;
  const void *contents;
  size_t size;
} bareflow_file_t;

/* Functions that are not called optional are required. All must stay as long as the image runs. */
typedef struct bareflow_platform {
  /* sizeof(bareflow_platform_t): later versions add fields at the end. */
  size_t size;
  /* Passed to each function. */
  void *user;
  /* Bytes in a page, a power of two; 0 means 4096. */
  size_t page_size;

  /* Fresh zeroed pages that nothing else uses, or NULL. `size` is a multiple of the page size. */
  void *(*map_pages)(void *user, size_t size, unsigned protection);
  /* Gives pages back, or changes their protection; returns 0, or non-zero when it cannot. Optional; without the second,
   * LLVM's own JITs cannot make code executable. */
  int (*unmap_pages)(void *user, void *pages, size_t size);
  int (*protect_pages)(void *user, void *pages, size_t size, unsigned protection);

  /* Writes all of the bytes to standard output (1) or standard error (2). */
  void (*console_write)(void *user, int descriptor, const char *bytes, size_t count);
  /* Reads at most so many bytes; 0 at the end of input. Optional: then there is no input. */
  size_t (*console_read)(void *user, char *buffer, size_t capacity);
  /* Whether somebody sits at the other end of a standard descriptor, 0 to 2. Optional: then nobody does. */
  int (*is_terminal)(void *user, int descriptor);

  /* Nanoseconds since any fixed moment, and since 1970-01-01 00:00:00 UTC. */
  uint64_t (*monotonic_ns)(void *user);
  uint64_t (*realtime_ns)(void *user);
  /* Waits. Optional: then the runtime looks at the clock until the time has come. */
  void (*sleep_ns)(void *user, uint64_t duration_ns);
  void (*fill_random)(void *user, void *buffer, size_t size);

  /* End the process or the machine, and do not return. The message of a failure is not terminated by a zero. */
  void (*exit)(void *user, int status);
  void (*abort)(void *user, const char *message, size_t size);

  /* "NAME=value" strings and a null pointer behind them; may be NULL. */
  const char *const *environment;
  /* May be NULL with a count of 0. */
  const bareflow_file_t *files;
  size_t file_count;
} bareflow_platform_t;

/* Tells the runtime of the machine, once, before anything else of it is used. Returns 0, or EINVAL for a table that is
 * incomplete or not the first. */
int bareflow_install(const bareflow_platform_t *platform);

/* Bytes of the thread-local block. */
size_t bareflow_thread_block_size(void);
/* Lays the thread-local block out; returns what the thread pointer must be set to. */
void *bareflow_thread_block_initialise(void *block);

/* Runs the static constructors, then main, then exit with what main returns. Arguments are copied. */
BAREFLOW_NORETURN void bareflow_run(int (*main)(int argc, char **argv, char **envp), int argc,
                            const char *const *argv);

#ifdef __cplusplus
}
#endif

#endif
