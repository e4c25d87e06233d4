// Builds, counts and frees a tree of 1023 nodes.
// The example's own main is left out.
#define main static __attribute__((unused)) example_main
#include "../../examples/binary_trees.c"
#undef main

#include "rounds.h"

static void prepare_rounds(void) {}

static uint64_t work(void) {
  struct node *tree = build(9);
  uint64_t nodes = count(tree);
  destroy(tree);
  return nodes;
}
