// A loop with several exits, in a loop.
#include <stdint.h>
#include <stdio.h>

int main(void) {
  uint32_t value = 1, ends[4] = {0, 0, 0, 0};
  for (uint32_t run = 0; run < 500000; ++run) {
    uint32_t index = 0;
    for (;; ++index) {
      value = value * 1664525 + 1013904223;
      if (value >> 21 == 5) {
        ++ends[0];
        break;
      }
      if (value >> 20 == 77) {
        ++ends[1];
        break;
      }
      if (index == 3000)
        break;
      if (value == 12345) {
        ++ends[2];
        continue;
      }
      ends[3] += index & 1;
    }
  }
  printf("%u %u %u %u %u\n", (unsigned)value, (unsigned)ends[0], (unsigned)ends[1],
         (unsigned)ends[2], (unsigned)ends[3]);
  return 0;
}
