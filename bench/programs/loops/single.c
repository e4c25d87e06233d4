// One loop of 10^9 iterations, in main, which is called once.
#include <stdint.h>
#include <stdio.h>

int main(void) {
  uint32_t value = 1;
  for (uint32_t index = 0; index < 1000000000; ++index)
    value = value * 1664525 + (value >> 7 ^ index);
  printf("%u\n", (unsigned)value);
  return 0;
}
