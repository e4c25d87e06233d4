/* Calls one function of the C library at pseudo-random points and writes operands and results, as records, to the
   standard output.

   Arguments: function, precision (f, d or l), number of points, and for each of the two operands the ends of a
   range and the least and the largest exponent. Half of the points lie evenly in the range, half have an even
   logarithm; they are negative only if the range has negative numbers, and positive likewise. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t random_bits(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 0x2545f4914f6cdd1du;
}

struct range {
  long double low, high;
  int least_exponent, largest_exponent;
};

static long double even(const struct range *range) {
  return range->low + (range->high - range->low) * ((long double)random_bits() * 0x1p-64L);
}

static long double logarithmic(const struct range *range) {
  unsigned exponents = (unsigned)(range->largest_exponent - range->least_exponent + 1);
  int exponent = range->least_exponent + (int)((random_bits() >> 32) % exponents);
  long double magnitude = ldexpl((long double)(random_bits() | 1ull << 63), exponent - 63);
  int is_negative = range->high <= 0 || (range->low < 0 && random_bits() >> 63);
  return is_negative ? -magnitude : magnitude;
}

static long double point(const struct range *range, int is_even) {
  return is_even ? even(range) : logarithmic(range);
}

static long double rounded(long double value, char precision) {
  return precision == 'f' ? (float)value : precision == 'd' ? (double)value : value;
}

static struct range range_of(char **arguments) {
  struct range range = {strtold(arguments[0], 0), strtold(arguments[1], 0), atoi(arguments[2]),
                        atoi(arguments[3])};
  return range;
}

int main(int argc, char **argv) {
  if (argc != 12)
    return 2;
  char precision = argv[2][0];
  call *function = 0;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strcmp(functions[i].name, argv[1]) == 0)
      function = functions[i].calls[precision == 'f' ? 0 : precision == 'd' ? 1 : 2];
  if (!function)
    return 2;
  struct range x = range_of(argv + 4), y = range_of(argv + 8);
  for (long left = atol(argv[3]); left > 0; left--) {
    struct record record = {0};
    record.x = rounded(point(&x, left & 1), precision);
    record.y = rounded(point(&y, left & 2), precision);
    function(&record);
    if (fwrite(&record, sizeof record, 1, stdout) != 1)
      return 1;
  }
  return 0;
}
