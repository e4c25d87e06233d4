#include "life.h"

#include <string.h>

static const struct pattern {
  const char *name, *rows;
} patterns[] = {
    {"glider", ".#.|..#|###"},
    {"blinker", "###"},
    {"block", "##|##"},
};

static int index_of(const char *name) {
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
    if (strcmp(patterns[i].name, name) == 0)
      return (int)i;
  return -1;
}

bool pattern_place(struct grid *grid, const char *name, size_t x, size_t y) {
  int index = index_of(name);
  if (index < 0)
    return false;
  size_t column = x;
  for (const char *cell = patterns[index].rows; *cell; cell++) {
    if (*cell == '|') {
      column = x;
      y++;
    } else {
      grid_set(grid, column++, y, *cell == '#');
    }
  }
  return true;
}
