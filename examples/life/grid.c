#include "life.h"

#include <stdio.h>
#include <stdlib.h>

// Each file of the program has a function of this name for itself.
static size_t index_of(const struct grid *grid, size_t x, size_t y) {
  return y % grid->height * grid->width + x % grid->width;
}

struct grid *grid_create(size_t width, size_t height) {
  struct grid *grid = malloc(sizeof *grid);
  if (!grid)
    return NULL;
  *grid = (struct grid){width, height, calloc(width * height, sizeof *grid->cells)};
  if (grid->cells)
    return grid;
  free(grid);
  return NULL;
}

void grid_destroy(struct grid *grid) {
  free(grid->cells);
  free(grid);
}

bool grid_get(const struct grid *grid, size_t x, size_t y) {
  return grid->cells[index_of(grid, x, y)];
}

void grid_set(struct grid *grid, size_t x, size_t y, bool alive) {
  grid->cells[index_of(grid, x, y)] = alive;
}

void grid_print(const struct grid *grid) {
  for (size_t y = 0; y < grid->height; y++) {
    for (size_t x = 0; x < grid->width; x++)
      putchar(grid_get(grid, x, y) ? '#' : '.');
    putchar('\n');
  }
}
