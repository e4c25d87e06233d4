// The spectral norm of the infinite matrix a(i, j) = 1 / ((i + j)(i + j + 1) / 2 + i + 1), by the
// power method on its upper left corner.
// Argument: the corner's order (default 12).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double element(size_t i, size_t j) {
  return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

enum direction { PLAIN, TRANSPOSED };

static void multiply(size_t n, enum direction direction, const double *vector, double *product) {
  for (size_t i = 0; i < n; i++) {
    product[i] = 0;
    for (size_t j = 0; j < n; j++)
      product[i] += (direction == PLAIN ? element(i, j) : element(j, i)) * vector[j];
  }
}

int main(int argc, char **argv) {
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 12;
  double *u = malloc(n * sizeof *u), *v = malloc(n * sizeof *v), *w = malloc(n * sizeof *w);
  if (!u || !v || !w) {
    fprintf(stderr, "spectral_norm: no memory for order %zu\n", n);
    return 1;
  }
  for (size_t i = 0; i < n; i++)
    u[i] = 1;
  for (int round = 0; round < 10; round++) {
    multiply(n, PLAIN, u, w);
    multiply(n, TRANSPOSED, w, v);
    multiply(n, PLAIN, v, w);
    multiply(n, TRANSPOSED, w, u);
  }
  double uv = 0, vv = 0;
  for (size_t i = 0; i < n; i++) {
    uv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  printf("order %zu: %.9f\n", n, sqrt(uv / vv));
  free(u);
  free(v);
  free(w);
  return 0;
}
