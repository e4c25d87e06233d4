// Builds, walks and frees binary trees: malloc and free of many small blocks.
// Argument: the greatest depth (default 7).
#include <stdio.h>
#include <stdlib.h>

struct node {
  struct node *left, *right;
};

static struct node *build(unsigned depth) {
  struct node *node = malloc(sizeof *node);
  if (!node) {
    fprintf(stderr, "binary_trees: out of memory\n");
    exit(1);
  }
  node->left = depth > 0 ? build(depth - 1) : NULL;
  node->right = depth > 0 ? build(depth - 1) : NULL;
  return node;
}

static unsigned long count(const struct node *node) {
  return node ? 1 + count(node->left) + count(node->right) : 0;
}

static void destroy(struct node *node) {
  if (!node)
    return;
  destroy(node->left);
  destroy(node->right);
  free(node);
}

int main(int argc, char **argv) {
  unsigned greatest = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 7;
  struct node *long_lived = build(greatest);
  for (unsigned depth = 2; depth <= greatest; depth += 2) {
    unsigned long trees = 1ul << (greatest - depth + 1), nodes = 0;
    for (unsigned long i = 0; i < trees; i++) {
      struct node *tree = build(depth);
      nodes += count(tree);
      destroy(tree);
    }
    printf("%lu trees of depth %u: %lu nodes\n", trees, depth, nodes);
  }
  printf("long-lived tree of depth %u: %lu nodes\n", greatest, count(long_lived));
  destroy(long_lived);
  return 0;
}
