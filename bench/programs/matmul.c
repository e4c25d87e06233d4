// Two products of matrices of order 40, one of doubles and one of integers.
// The example's own main is left out.
#define main static __attribute__((unused)) example_main
#include "../../examples/matmul.c"
#undef main

#include "rounds.h"

enum { ORDER = 40 };

static double reals[3][ORDER * ORDER];
static uint64_t integers[3][ORDER * ORDER];

static void prepare_rounds(void) {
  for (size_t i = 0; i < ORDER * ORDER; i++) {
    reals[0][i] = integers[0][i] = i % 17;
    reals[1][i] = integers[1][i] = i % 23;
  }
}

static uint64_t work(void) {
  multiply(ORDER, reals[0], reals[1], reals[2]);
  multiply_integers(ORDER, integers[0], integers[1], integers[2]);
  return (uint64_t)reals[2][ORDER + 1] + integers[2][ORDER + 2];
}
