// Loops in a function that calls itself: each of them is entered many times, at every depth.
#include <stdint.h>
#include <stdio.h>

static uint32_t walk(uint32_t depth, uint32_t value) {
  for (uint32_t index = 0; index < 60000; ++index)
    value = value * 1664525 + (index ^ depth);
  if (depth > 0)
    for (uint32_t child = 0; child < 4; ++child)
      value ^= walk(depth - 1, value + child);
  return value;
}

int main(void) {
  printf("%u\n", (unsigned)walk(7, 1));
  return 0;
}
