// 500 steps of five bodies.
// The example's own main is left out.
#define main static __attribute__((unused)) example_main
#include "../../examples/nbody.c"
#undef main

#include "rounds.h"

static void prepare_rounds(void) { prepare(); }

static uint64_t work(void) {
  for (int i = 0; i < 500; i++)
    advance(0.01);
  return (uint64_t)(energy() * -1e6);
}
