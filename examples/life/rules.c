#include "life.h"

#include <stdlib.h>
#include <string.h>

unsigned generations_run;

static unsigned neighbours(const struct grid *grid, size_t x, size_t y) {
  unsigned count = 0;
  for (size_t dy = 0; dy < 3; dy++)
    for (size_t dx = 0; dx < 3; dx++)
      if (dx != 1 || dy != 1)
        count += grid_get(grid, x + grid->width + dx - 1, y + grid->height + dy - 1);
  return count;
}

size_t life_step(struct grid *grid) {
  size_t size = grid->width * grid->height, living = 0;
  bool *next = malloc(size * sizeof *next);
  if (!next)
    abort();
  for (size_t y = 0; y < grid->height; y++)
    for (size_t x = 0; x < grid->width; x++) {
      unsigned count = neighbours(grid, x, y);
      bool alive = count == 3 || (count == 2 && grid_get(grid, x, y));
      next[y * grid->width + x] = alive;
      living += alive;
    }
  memcpy(grid->cells, next, size * sizeof *next);
  free(next);
  generations_run++;
  return living;
}
