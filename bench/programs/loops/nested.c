// Three loops in one another.
#include <stdint.h>
#include <stdio.h>

enum { SIDE = 1000 };

static uint32_t rows[SIDE], columns[SIDE];

int main(void) {
  for (uint32_t index = 0; index < SIDE; ++index) {
    rows[index] = index * 2654435761u;
    columns[index] = index * 40503u + 7;
  }
  uint32_t value = 1;
  for (uint32_t plane = 0; plane < SIDE; ++plane)
    for (uint32_t row = 0; row < SIDE; ++row)
      for (uint32_t column = 0; column < SIDE; ++column)
        value = value * 5 + (rows[row] ^ columns[column]) + plane;
  printf("%u\n", (unsigned)value);
  return 0;
}
