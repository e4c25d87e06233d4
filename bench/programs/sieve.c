// The primes below 20000.
#include <stdbool.h>
#include <string.h>

#include "rounds.h"

enum { LIMIT = 20000 };

static bool composite[LIMIT];

static void prepare_rounds(void) {}

static uint64_t work(void) {
  memset(composite, 0, sizeof composite);
  for (size_t i = 2; i * i < LIMIT; i++)
    if (!composite[i])
      for (size_t multiple = i * i; multiple < LIMIT; multiple += i)
        composite[multiple] = true;
  uint64_t count = 0;
  for (size_t i = 2; i < LIMIT; i++)
    if (!composite[i])
      count++;
  return count;
}
