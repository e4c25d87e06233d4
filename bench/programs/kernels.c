// Kernels of numerics over matrices, as compilers like them: loops whose bounds and places are known.
//
//     kernels NAME [ROUNDS]
//
// Each prints a sum of what it has computed.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORDER = 256, GRID = 500, CITIES = 256 };

static double a[ORDER][ORDER], b[ORDER][ORDER], c[ORDER][ORDER];
static double grid[2][GRID][GRID];
static int distance[CITIES][CITIES];
static double vector[ORDER], product[ORDER];

static double number(int row, int column) { return (row * 7 + column * 13) % 31 / 31.0; }

static void fill(void) {
  for (int i = 0; i < ORDER; i++) {
    for (int j = 0; j < ORDER; j++) {
      a[i][j] = number(i, j);
      b[i][j] = number(j, i + 3);
      c[i][j] = 0;
    }
    vector[i] = number(i, 1);
  }
}

static double sum_of(double matrix[ORDER][ORDER]) {
  double sum = 0;
  for (int i = 0; i < ORDER; i++)
    for (int j = 0; j < ORDER; j++)
      sum += matrix[i][j];
  return sum;
}

// C = C / 2 + A B
static double gemm(int rounds) {
  fill();
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < ORDER; i++) {
      for (int j = 0; j < ORDER; j++)
        c[i][j] *= 0.5;
      for (int k = 0; k < ORDER; k++)
        for (int j = 0; j < ORDER; j++)
          c[i][j] += a[i][k] * b[k][j];
    }
  return sum_of(c);
}

// y = A^T (A x), and x from y.
static double atax(int rounds) {
  fill();
  for (int round = 0; round < rounds; round++) {
    memset(product, 0, sizeof product);
    for (int i = 0; i < ORDER; i++) {
      double sum = 0;
      for (int j = 0; j < ORDER; j++)
        sum += a[i][j] * vector[j];
      for (int j = 0; j < ORDER; j++)
        product[j] += a[i][j] * sum;
    }
    for (int i = 0; i < ORDER; i++)
      vector[i] = product[i] / (1 + fabs(product[0]));
  }
  double sum = 0;
  for (int i = 0; i < ORDER; i++)
    sum += vector[i];
  return sum;
}

// Each place becomes the mean of itself and its four neighbours.
static double jacobi_2d(int rounds) {
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++)
      grid[0][i][j] = grid[1][i][j] = number(i, j);
  for (int round = 0; round < rounds; round++) {
    double(*from)[GRID] = grid[round % 2], (*to)[GRID] = grid[(round + 1) % 2];
    for (int i = 1; i < GRID - 1; i++)
      for (int j = 1; j < GRID - 1; j++)
        to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i - 1][j] + from[i + 1][j]);
  }
  double sum = 0;
  for (int i = 0; i < GRID; i++)
    for (int j = 0; j < GRID; j++)
      sum += grid[rounds % 2][i][j];
  return sum;
}

// All shortest paths.
static double floyd_warshall(int rounds) {
  double sum = 0;
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < CITIES; i++)
      for (int j = 0; j < CITIES; j++)
        distance[i][j] = (i * 17 + j * 31 + round) % 97 % 13 == 0 ? 1 + (i + j) % 9 : 999;
    for (int k = 0; k < CITIES; k++)
      for (int i = 0; i < CITIES; i++)
        for (int j = 0; j < CITIES; j++) {
          int over = distance[i][k] + distance[k][j];
          distance[i][j] = distance[i][j] < over ? distance[i][j] : over;
        }
    for (int i = 0; i < CITIES; i++)
      sum += distance[i][(i * 3 + 1) % CITIES];
  }
  return sum;
}

// The lower triangle L of A = L L^T.
static double cholesky(int rounds) {
  double sum = 0;
  for (int round = 0; round < rounds; round++) {
    fill();
    for (int i = 0; i < ORDER; i++)
      for (int j = 0; j <= i; j++)
        c[i][j] = c[j][i] = a[i][j] + a[j][i] + (i == j ? 4 * ORDER : 0);
    for (int i = 0; i < ORDER; i++) {
      for (int j = 0; j < i; j++) {
        for (int k = 0; k < j; k++)
          c[i][j] -= c[i][k] * c[j][k];
        c[i][j] /= c[j][j];
      }
      for (int k = 0; k < i; k++)
        c[i][i] -= c[i][k] * c[i][k];
      c[i][i] = sqrt(c[i][i]);
    }
    sum += c[ORDER - 1][ORDER - 1] + c[ORDER / 2][3];
  }
  return sum;
}

static const struct {
  const char *name;
  double (*run)(int rounds);
  int rounds;
} kernels[] = {
    {"gemm", gemm, 100},
    {"atax", atax, 4000},
    {"jacobi-2d", jacobi_2d, 3000},
    {"floyd-warshall", floyd_warshall, 30},
    {"cholesky", cholesky, 120},
};

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
    if (strcmp(name, kernels[i].name) == 0) {
      int rounds = argc > 2 ? atoi(argv[2]) : kernels[i].rounds;
      printf("%s %.17g\n", name, kernels[i].run(rounds));
      return 0;
    }
  fprintf(stderr, "there is no kernel '%s'\n", name);
  return 1;
}
