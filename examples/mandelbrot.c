// The Mandelbrot set in letters.
// Argument: the number of columns (default 40).
#include <stdio.h>
#include <stdlib.h>

static int escape_time(double real, double imaginary, int limit) {
  double x = 0, y = 0;
  for (int i = 0; i < limit; i++) {
    double xx = x * x, yy = y * y;
    if (xx + yy > 4)
      return i;
    y = 2 * x * y + imaginary;
    x = xx - yy + real;
  }
  return limit;
}

int main(int argc, char **argv) {
  static const char shades[] = " .:-=+*#%@";
  int columns = argc > 1 ? atoi(argv[1]) : 40, rows = columns * 2 / 5;
  enum { LIMIT = 27 };
  for (int row = 0; row < rows; row++) {
    for (int column = 0; column < columns; column++) {
      double real = -2.25 + 3.0 * column / columns;
      double imaginary = -1.25 + 2.5 * row / (rows - 1);
      putchar(shades[escape_time(real, imaginary, LIMIT) * 9 / LIMIT]);
    }
    putchar('\n');
  }
  return 0;
}
