// Calls: fib(20).
// The example's own main is left out.
#define main static __attribute__((unused)) example_main
#include "../../examples/fib.c"
#undef main

#include "rounds.h"

static volatile unsigned number = 20;

static void prepare_rounds(void) {}

static uint64_t work(void) { return fib(number); }
