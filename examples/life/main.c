// A program of several files: a glider, a blinker and a block live together for some generations.
// Argument: how many (default 8).
#include "life.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  unsigned long generations = argc > 1 ? strtoul(argv[1], NULL, 10) : 8;
  struct grid *grid = grid_create(16, 10);
  if (!grid || !pattern_place(grid, "glider", 0, 0) || !pattern_place(grid, "blinker", 10, 1) ||
      !pattern_place(grid, "block", 12, 6) || pattern_place(grid, "spaceship", 0, 0)) {
    fprintf(stderr, "life: cannot set the grid up\n");
    return 1;
  }
  grid_print(grid);
  size_t living = 0;
  for (unsigned long i = 0; i < generations; i++)
    living = life_step(grid);
  printf("after %u generations %zu cells live\n", generations_run, living);
  grid_print(grid);
  grid_destroy(grid);
  return 0;
}
