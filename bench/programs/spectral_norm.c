// One step of the power method on a matrix of order 100.
// The example's own main is left out.
#define main static __attribute__((unused)) example_main
#include "../../examples/spectral_norm.c"
#undef main

#include "rounds.h"

enum { ORDER = 100 };

static double u[ORDER], v[ORDER], w[ORDER];

static void prepare_rounds(void) {
  for (int i = 0; i < ORDER; i++)
    u[i] = 1;
}

static uint64_t work(void) {
  multiply(ORDER, PLAIN, u, w);
  multiply(ORDER, TRANSPOSED, w, v);
  u[0] += 1e-9 * v[0];
  return (uint64_t)(v[1] * 1e6);
}
