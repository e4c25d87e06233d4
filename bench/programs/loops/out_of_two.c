// A goto out of two loops at once, again and again.
#include <stdint.h>
#include <stdio.h>

int main(void) {
  uint32_t value = 1, found = 0, start = 0;
again:
  for (uint32_t outer = start; outer < 150000; ++outer)
    for (uint32_t inner = 0; inner < 10000; ++inner) {
      value = value * 1664525 + outer + inner;
      if (value < 5000) {
        ++found;
        start = outer + 1;
        goto out;
      }
    }
  printf("%u %u\n", (unsigned)value, (unsigned)found);
  return 0;
out:
  goto again;
}
