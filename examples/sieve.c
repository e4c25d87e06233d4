// The sieve of Eratosthenes.
// Argument: the limit (default 6000).
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  size_t limit = argc > 1 ? strtoul(argv[1], NULL, 10) : 6000;
  bool *composite = calloc(limit + 1, sizeof *composite);
  if (!composite) {
    fprintf(stderr, "sieve: no memory for %zu numbers\n", limit);
    return 1;
  }
  for (size_t i = 2; i * i <= limit; i++)
    if (!composite[i])
      for (size_t multiple = i * i; multiple <= limit; multiple += i)
        composite[multiple] = true;

  size_t count = 0, last = 0, twins = 0;
  for (size_t i = 2; i <= limit; i++) {
    if (composite[i])
      continue;
    count++;
    if (i - last == 2)
      twins++;
    if (count <= 10)
      printf("%zu%c", i, count == 10 ? '\n' : ' ');
    last = i;
  }
  printf("%zu primes up to %zu, the last is %zu, %zu twin pairs\n", count, limit, last, twins);
  free(composite);
  return 0;
}
