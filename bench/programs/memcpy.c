// Copies of 512 bytes between buffers in the first-level cache, aligned to a cache line, in three ways. Prints a
// line for each: its name and the time stamp counter's cycles per copy, the least of many rounds; before them, how
// many of these a cycle of the core takes.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, BLOCKS = 8, COPIES = 4096, ROUNDS = 400 };

static unsigned char from[BLOCK * BLOCKS] __attribute__((aligned(64)));
static unsigned char to[BLOCK * BLOCKS] __attribute__((aligned(64)));

// One byte at a time, and not made into a call of memcpy.
__attribute__((no_builtin)) static void copy_bytes(size_t size) {
  for (unsigned copy = 0; copy < COPIES; ++copy) {
    size_t offset = copy % BLOCKS * BLOCK;
#pragma clang loop vectorize(disable) unroll(disable)
    for (size_t index = 0; index < size; ++index)
      to[offset + index] = from[offset + index];
  }
}

// The C library's function as it is.
static void *(*volatile library_copy)(void *, const void *, size_t) = memcpy;

static void copy_generically(size_t size) {
  void *(*copy_block)(void *, const void *, size_t) = library_copy;
  for (unsigned copy = 0; copy < COPIES; ++copy) {
    size_t offset = copy % BLOCKS * BLOCK;
    copy_block(to + offset, from + offset, size);
  }
}

// What the tiers make of a copy whose size turns out to be always the same.
static void copy_specialised(size_t size) {
  for (unsigned copy = 0; copy < COPIES; ++copy) {
    size_t offset = copy % BLOCKS * BLOCK;
    memcpy(to + offset, from + offset, size);
  }
}

// A chain of additions, each of which waits for the one before: a cycle of the core each, whatever its clock
// does.
static double counter_cycles_per_core_cycle(void) {
  enum { CHAIN = 100, LINKS = 1000 };
  uint64_t least = UINT64_MAX;
  for (int round = 0; round < ROUNDS; ++round) {
    uint64_t value = 0;
    uint64_t start = __builtin_readcyclecounter();
    for (int link = 0; link < LINKS; ++link)
      __asm__ volatile(".rept %c1\n\tadd $1, %0\n\t.endr" : "+r"(value) : "i"(CHAIN));
    uint64_t cycles = __builtin_readcyclecounter() - start;
    if (cycles < least)
      least = cycles;
  }
  return (double)least / (CHAIN * LINKS);
}

static void measure(const char *name, void (*copy_all)(size_t), volatile size_t *size) {
  uint64_t least = UINT64_MAX;
  for (int round = 0; round < ROUNDS; ++round) {
    memset(to, 0, sizeof to);
    uint64_t start = __builtin_readcyclecounter();
    copy_all(*size);
    uint64_t cycles = __builtin_readcyclecounter() - start;
    if (memcmp(to, from, sizeof to) != 0)
      abort();
    if (cycles < least)
      least = cycles;
  }
  printf("%s %.2f\n", name, (double)least / COPIES);
}

int main(void) {
  volatile size_t size = BLOCK;
  for (unsigned index = 0; index < sizeof from; ++index)
    from[index] = (unsigned char)(index * 7 + 1);
  printf("core %.4f\n", counter_cycles_per_core_cycle());
  measure("bytes", copy_bytes, &size);
  measure("generic", copy_generically, &size);
  measure("specialised", copy_specialised, &size);
  return 0;
}
