/* Reads records of measure.c and compares them with MPFR's and MPC's results, which are correctly rounded.

   Arguments: function, precision. Prints the largest error of each part in units of the last place of the exact
   result, the share of results that are not the nearest number, and the operands of the largest error. With a
   third argument, a number, it prints that many points with their results, as literals of C. */
#include <math.h>
#include <mpc.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"

/* More than twice the widest format: the exact result, as far as its rounding and the errors go. */
enum { BITS = 200 };

typedef void reference(const struct record *, mpc_t);

static void set(mpfr_t number, long double value) { mpfr_set_ld(number, value, MPFR_RNDN); }

#define BEGIN mpfr_t x, y; mpfr_inits2(64, x, y, (mpfr_ptr)0); set(x, r->x); set(y, r->y);
#define END mpfr_clears(x, y, (mpfr_ptr)0);
#define RESULT mpc_realref(result)
#define X(name, other)                                           \
  static void reference_##name(const struct record *r, mpc_t result) { \
    BEGIN mpfr_##other(RESULT, x, MPFR_RNDN); END                \
  }
UNARY_FUNCTIONS(X)
#undef X
#define X(name, other)                                           \
  static void reference_##name(const struct record *r, mpc_t result) { \
    int sign;                                                    \
    BEGIN mpfr_##other(RESULT, &sign, x, MPFR_RNDN); END         \
  }
LOGARITHMIC_FUNCTIONS(X)
#undef X
#define X(name, other)                                           \
  static void reference_##name(const struct record *r, mpc_t result) { \
    BEGIN mpfr_##other(RESULT, x, y, MPFR_RNDN); END             \
  }
BINARY_FUNCTIONS(X)
#undef X
#define X(name, other)                                           \
  static void reference_##name(const struct record *r, mpc_t result) { \
    BEGIN mpfr_##other(RESULT, (long)r->y, x, MPFR_RNDN); END    \
  }
ORDER_FUNCTIONS(X)
#undef X
#define X(name, other)                                           \
  static void reference_##name(const struct record *r, mpc_t result) { \
    mpc_t z;                                                     \
    mpc_init2(z, 64);                                            \
    set(mpc_realref(z), r->x);                                   \
    set(mpc_imagref(z), r->y);                                   \
    mpc_##other(result, z, MPC_RNDNN);                           \
    mpc_clear(z);                                                \
  }
COMPLEX_FUNCTIONS(X)
#undef X

static const struct {
  const char *name;
  reference *function;
  int is_complex;
} functions[] = {
#define X(name, other) {#name, reference_##name, 0},
    UNARY_FUNCTIONS(X) LOGARITHMIC_FUNCTIONS(X) BINARY_FUNCTIONS(X) ORDER_FUNCTIONS(X)
#undef X
#define X(name, other) {#name, reference_##name, 1},
    COMPLEX_FUNCTIONS(X)
#undef X
};

struct format {
  int precision, least_exponent, largest_exponent;
};

/* In units of the last place of the exact result. */
static double error_of(long double result, mpfr_t exact, const struct format *format) {
  if (mpfr_nan_p(exact) || isnan(result))
    return mpfr_nan_p(exact) && isnan(result) ? 0 : INFINITY;
  if (mpfr_inf_p(exact))
    return isinf(result) && (mpfr_sgn(exact) < 0) == (signbit(result) != 0) ? 0 : INFINITY;
  long exponent = mpfr_zero_p(exact) ? format->least_exponent : mpfr_get_exp(exact) - 1;
  if (isinf(result)) {
    /* Right for what rounds above the largest number. */
    mpfr_t largest;
    mpfr_init2(largest, BITS);
    mpfr_set_ui_2exp(largest, 1, format->largest_exponent + 1, MPFR_RNDN);
    mpfr_t half_place;
    mpfr_init2(half_place, BITS);
    mpfr_set_ui_2exp(half_place, 1, format->largest_exponent - format->precision, MPFR_RNDN);
    mpfr_sub(largest, largest, half_place, MPFR_RNDN);
    int is_right = mpfr_cmpabs(exact, largest) >= 0 && (mpfr_sgn(exact) < 0) == (signbit(result) != 0);
    mpfr_clears(largest, half_place, (mpfr_ptr)0);
    return is_right ? 0 : INFINITY;
  }
  if (exponent < format->least_exponent)
    exponent = format->least_exponent;
  mpfr_t difference;
  mpfr_init2(difference, BITS);
  mpfr_set_ld(difference, result, MPFR_RNDN);
  mpfr_sub(difference, difference, exact, MPFR_RNDN);
  mpfr_mul_2si(difference, difference, format->precision - 1 - exponent, MPFR_RNDN);
  double error = fabs(mpfr_get_d(difference, MPFR_RNDN));
  mpfr_clear(difference);
  return error;
}

static int is_ordinary(long double value) { return isfinite(value) && value != 0; }

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  const struct format formats[] = {{24, -126, 127}, {53, -1022, 1023}, {64, -16382, 16383}};
  const struct format *format = &formats[argv[2][0] == 'f' ? 0 : argv[2][0] == 'd' ? 1 : 2];
  size_t index = 0;
  while (index < sizeof functions / sizeof *functions && strcmp(functions[index].name, argv[1]) != 0)
    index++;
  if (index == sizeof functions / sizeof *functions)
    return 2;
  int wanted_points = argc > 3 ? atoi(argv[3]) : 0;
  struct record record, worst[2] = {{0}, {0}};
  double largest[2] = {0, 0};
  long count = 0, not_nearest = 0;
  mpc_t exact;
  mpc_init2(exact, BITS);
  while (fread(&record, sizeof record, 1, stdin) == 1) {
    mpfr_set_zero(mpc_imagref(exact), 1);
    functions[index].function(&record, exact);
    double errors[2] = {error_of(record.re, mpc_realref(exact), format),
                        error_of(record.im, mpc_imagref(exact), format)};
    for (int part = 0; part < 2; part++)
      if (errors[part] > largest[part]) {
        largest[part] = errors[part];
        worst[part] = record;
      }
    not_nearest += errors[0] > 0.5 || errors[1] > 0.5;
    count++;
    long double re = mpfr_get_ld(mpc_realref(exact), MPFR_RNDN), im = mpfr_get_ld(mpc_imagref(exact), MPFR_RNDN);
    if (wanted_points > 0 && is_ordinary(re) && (!functions[index].is_complex || is_ordinary(im)) &&
        fabsl(re) > 0x1p-100L && fabsl(re) < 0x1p100L) {
      wanted_points--;
      printf("POINT(%s, %LaL, %LaL, %LaL, %LaL)\n", argv[1], record.x, record.y, re, im);
    }
  }
  if (argc > 3)
    return 0;
  printf("%ld %.4f %.4f %.6f %La %La %La %La\n", count, largest[0], largest[1], count ? (double)not_nearest / (double)count : 0.0,
         worst[0].x, worst[0].y, worst[1].x, worst[1].y);
  return 0;
}
