// Measures pieces of work: prints "GROUP NAME CYCLES", the time stamp counter's cycles of one round, the least of
// many.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t (*work_function)(size_t argument);

// What the work returns goes here, so that nothing of it is left out.
extern volatile uint64_t measured_sum;

// Of rounds that together take some milliseconds, however slow one is.
static inline void measure(const char *group, const char *name, work_function work, size_t argument) {
  enum { LEAST_ROUNDS = 20, MOST_ROUNDS = 2000 };
  const uint64_t most_cycles = 100000000;
  uint64_t least = UINT64_MAX, all = 0;
  for (int round = 0; round < MOST_ROUNDS && (round < LEAST_ROUNDS || all < most_cycles); ++round) {
    uint64_t start = __builtin_readcyclecounter();
    measured_sum += work(argument);
    uint64_t cycles = __builtin_readcyclecounter() - start;
    all += cycles;
    if (cycles < least)
      least = cycles;
  }
  printf("%s %s %llu\n", group, name, (unsigned long long)least);
}

// Random numbers that are the same everywhere (Marsaglia's xorshift64).
static inline uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

void measure_allocation(void);
void measure_blocks(void);
void measure_mathematics(void);
