// Functions of blocks and strings, called as they are: neither optimiser sees which function it is.
#include "measure.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 1 << 20, CALLS = 2000 };
static char first[ROOM + 64] __attribute__((aligned(64)));
static char second[ROOM + 64] __attribute__((aligned(64)));

static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile fill)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static size_t (*volatile length)(const char *) = strlen;
static void *(*volatile find_byte)(const void *, int, size_t) = memchr;
static char *(*volatile find_character)(const char *, int) = strchr;
static int (*volatile compare_texts)(const char *, const char *) = strcmp;
static char *(*volatile copy_text)(char *, const char *) = strcpy;
static char *(*volatile find_last)(const char *, int) = strrchr;
static size_t (*volatile span)(const char *, const char *) = strcspn;

// Calls for large sizes are fewer.
static size_t calls_of(size_t size) { return size > 4096 ? CALLS * (size_t)4096 / size / 8 + 1 : CALLS; }

// Of each size the operands lie at all distances from a cache line.
static inline char *shifted(char *block, size_t call) { return block + (call * 7) % 32; }

#define REPEATED(name, expression)                                                                                     \
  static uint64_t name(size_t size) {                                                                                  \
    uint64_t sum = 0;                                                                                                  \
    for (size_t call = 0, calls = calls_of(size); call < calls; ++call) {                                              \
      char *a = shifted(first, call), *b = shifted(second, call * 3);                                                  \
      (void)b;                                                                                                         \
      sum += (uint64_t)(expression);                                                                                   \
    }                                                                                                                  \
    return sum;                                                                                                        \
  }

REPEATED(run_memcpy, *(char *)copy(a, b, size))
REPEATED(run_memmove, *(char *)move(a + 8, a, size))
REPEATED(run_memset, *(char *)fill(a, 'x', size))
REPEATED(run_memcmp, compare(a, b, size))
REPEATED(run_memchr, (char *)find_byte(a, '!', size + 32) - a)

// Operands of texts begin where the text does.
#define REPEATED_TEXT(name, expression)                                                                                \
  static uint64_t name(size_t size) {                                                                                  \
    uint64_t sum = 0;                                                                                                  \
    for (size_t call = 0, calls = calls_of(size); call < calls; ++call) {                                              \
      size_t start = (call * 7) % 32;                                                                                  \
      char *a = first + start, *b = second + start;                                                                    \
      (void)b;                                                                                                         \
      sum += (uint64_t)(expression);                                                                                   \
    }                                                                                                                  \
    return sum;                                                                                                        \
  }

REPEATED_TEXT(run_strlen, length(a))
REPEATED_TEXT(run_strchr, find_character(a, '!') - a)
REPEATED_TEXT(run_strrchr, find_last(a, '!') - a)
REPEATED_TEXT(run_strcmp, compare_texts(a, b))
REPEATED_TEXT(run_strcpy, *copy_text(b, a))
REPEATED_TEXT(run_strcspn, span(a, "!?"))

// Sizes as programs have them: most are small.
static uint64_t run_mixed_copies(size_t seed) {
  uint64_t random = seed, sum = 0;
  void *(*copy_block)(void *, const void *, size_t) = copy;
  for (int call = 0; call < CALLS; ++call) {
    uint64_t number = next_random(&random);
    size_t size = number % ((size_t)1 << (3 + (number >> 32) % 7));
    sum += (uint64_t) * (char *)copy_block(first + (number >> 40) % 64, second + (number >> 48) % 64, size);
  }
  return sum;
}

static void with_sizes(const char *function, work_function work, const size_t *sizes, size_t most) {
  for (size_t index = 0; sizes[index] && sizes[index] <= most; ++index) {
    size_t size = sizes[index];
    memset(first, 'x', sizeof first);
    memset(second, 'x', sizeof second);
    // What is looked for comes last, and then the end.
    first[size + 31] = second[size + 31] = '!';
    first[size + 32] = second[size + 32] = 0;
    char name[32];
    snprintf(name, sizeof name, "%s_%zu", function, size);
    measure("blocks", name, work, size);
  }
}

void measure_blocks(void) {
  static const size_t sizes[] = {5, 24, 100, 500, 4000, 60000, 1000000, 0};
  static const size_t text_sizes[] = {1, 24, 100, 500, 4000, 60000, 0};
  measure("blocks", "memcpy_mixed", run_mixed_copies, 88172645463325252u);
  with_sizes("memcpy", run_memcpy, sizes, 1000000);
  with_sizes("memmove", run_memmove, sizes, 60000);
  with_sizes("memset", run_memset, sizes, 1000000);
  with_sizes("memcmp", run_memcmp, sizes, 60000);
  with_sizes("memchr", run_memchr, text_sizes, 60000);
  with_sizes("strlen", run_strlen, text_sizes, 60000);
  with_sizes("strchr", run_strchr, text_sizes, 60000);
  with_sizes("strrchr", run_strrchr, text_sizes, 60000);
  with_sizes("strcmp", run_strcmp, text_sizes, 60000);
  with_sizes("strcpy", run_strcpy, text_sizes, 60000);
  with_sizes("strcspn", run_strcspn, text_sizes, 500);
}
