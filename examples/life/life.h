// Conway's Game of Life on a torus.
#ifndef LIFE_H
#define LIFE_H

#include <stdbool.h>
#include <stddef.h>

struct grid {
  size_t width, height;
  bool *cells;
};

extern unsigned generations_run;

struct grid *grid_create(size_t width, size_t height);
void grid_destroy(struct grid *grid);
bool grid_get(const struct grid *grid, size_t x, size_t y);
void grid_set(struct grid *grid, size_t x, size_t y, bool alive);
void grid_print(const struct grid *grid);

// Replaces the grid's contents by the next generation; returns the number of living cells.
size_t life_step(struct grid *grid);

bool pattern_place(struct grid *grid, const char *name, size_t x, size_t y);

#endif
