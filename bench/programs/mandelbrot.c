// 50 x 25 points, each for at most 50 iterations.
// The example's own main is left out.
#define main static __attribute__((unused)) example_main
#include "../../examples/mandelbrot.c"
#undef main

#include "rounds.h"

static void prepare_rounds(void) {}

static uint64_t work(void) {
  uint64_t sum = 0;
  for (int row = 0; row < 25; row++)
    for (int column = 0; column < 50; column++)
      sum += (uint64_t)escape_time(-2.25 + 0.06 * column, -1.25 + 0.1 * row, 50);
  return sum;
}
