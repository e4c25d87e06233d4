// Dense matrix multiplication in doubles and in 64-bit integers.
// Argument: the matrices' order (default 14).
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void multiply(size_t n, const double *a, const double *b, double *product) {
  for (size_t row = 0; row < n; row++)
    for (size_t column = 0; column < n; column++) {
      double sum = 0.0;
      for (size_t k = 0; k < n; k++)
        sum += a[row * n + k] * b[k * n + column];
      product[row * n + column] = sum;
    }
}

static void multiply_integers(size_t n, const uint64_t *a, const uint64_t *b, uint64_t *product) {
  for (size_t row = 0; row < n; row++)
    for (size_t column = 0; column < n; column++) {
      uint64_t sum = 0;
      for (size_t k = 0; k < n; k++)
        sum += a[row * n + k] * b[k * n + column];
      product[row * n + column] = sum;
    }
}

int main(int argc, char **argv) {
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 14;
  double *reals = malloc(3 * n * n * sizeof *reals);
  uint64_t *integers = malloc(3 * n * n * sizeof *integers);
  if (!reals || !integers) {
    fprintf(stderr, "matmul: no memory for order %zu\n", n);
    return 1;
  }
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (size_t i = 0; i < 2 * n * n; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    integers[i] = state >> 11;
    reals[i] = (double)(state >> 40) / 65536.0 - 128.0;
  }
  multiply(n, reals, reals + n * n, reals + 2 * n * n);
  multiply_integers(n, integers, integers + n * n, integers + 2 * n * n);

  double trace = 0.0;
  uint64_t checksum = 0;
  for (size_t i = 0; i < n; i++)
    trace += reals[2 * n * n + i * n + i];
  for (size_t i = 0; i < n * n; i++)
    checksum = checksum * 31 + integers[2 * n * n + i];
  printf("order %zu\n", n);
  printf("first %.6f, last %.6f\n", reals[2 * n * n], reals[3 * n * n - 1]);
  printf("trace %.6f\n", trace);
  printf("checksum %016llx\n", (unsigned long long)checksum);
  free(integers);
  free(reals);
  return 0;
}
