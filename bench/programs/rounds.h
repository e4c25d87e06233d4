// Does the program's work in rounds. Prints how fast the time stamp counter ran, in Hz, and then for each
// round how many of its cycles it took, one number to a line.
// Arguments: the most rounds, and after how many milliseconds to stop.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// Once, before the first round.
static void prepare_rounds(void);
// The work of one round; what it returns is printed, so that nothing of it is left out.
static uint64_t work(void);

enum { MOST_ROUNDS = 200000 };

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// By itself: a code generator that has no such instruction refuses this function alone, and not the work.
__attribute__((noinline)) static uint64_t now_cycles(void) { return __builtin_readcyclecounter(); }

#ifndef ROUNDS_MAIN
#define ROUNDS_MAIN main
#endif

int ROUNDS_MAIN(int argc, char **argv) {
  static uint64_t cycles[MOST_ROUNDS];
  uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
  uint64_t limit_ns = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1000) * 1000000u;
  if (most > MOST_ROUNDS)
    most = MOST_ROUNDS;
  uint64_t sum = 0, done = 0;
  prepare_rounds();
  uint64_t first = now_cycles(), last = first;
  uint64_t start_ns = now_ns(), end_ns = start_ns + 1;
  while (done < most && end_ns - start_ns < limit_ns) {
    uint64_t start = now_cycles();
    sum += work();
    last = now_cycles();
    cycles[done++] = last - start;
    end_ns = now_ns();
  }
  printf("%.0f\n", (double)(last - first) * 1e9 / (double)(end_ns - start_ns));
  for (uint64_t i = 0; i < done; i++)
    printf("%llu\n", (unsigned long long)cycles[i]);
  fprintf(stderr, "sum %llu\n", (unsigned long long)sum);
  return 0;
}
