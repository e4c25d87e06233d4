// Functions of mathematics, called as they are, one call after the other without waiting for its result.
#include "measure.h"

#include <math.h>

enum { POINTS = 1000 };
static double x[POINTS], y[POINTS];
static float xf[POINTS], yf[POINTS];

#define UNARY(name)                                                                                                    \
  static double (*volatile call_##name)(double) = name;                                                                \
  static uint64_t run_##name(size_t points) {                                                                          \
    double (*function)(double) = call_##name;                                                                          \
    double sum = 0;                                                                                                    \
    for (size_t index = 0; index < points; ++index)                                                                    \
      sum += function(x[index]);                                                                                       \
    return sum > 0;                                                                                                    \
  }

#define UNARY_FLOAT(name)                                                                                              \
  static float (*volatile call_##name)(float) = name;                                                                  \
  static uint64_t run_##name(size_t points) {                                                                          \
    float (*function)(float) = call_##name;                                                                            \
    float sum = 0;                                                                                                     \
    for (size_t index = 0; index < points; ++index)                                                                    \
      sum += function(xf[index]);                                                                                      \
    return sum > 0;                                                                                                    \
  }

UNARY(exp)
UNARY(log)
UNARY(sin)
UNARY(cos)
UNARY_FLOAT(expf)
UNARY_FLOAT(logf)
UNARY_FLOAT(sinf)
UNARY_FLOAT(cosf)

static double (*volatile call_pow)(double, double) = pow;
static uint64_t run_pow(size_t points) {
  double (*function)(double, double) = call_pow;
  double sum = 0;
  for (size_t index = 0; index < points; ++index)
    sum += function(x[index], y[index]);
  return sum > 0;
}

static float (*volatile call_powf)(float, float) = powf;
static uint64_t run_powf(size_t points) {
  float (*function)(float, float) = call_powf;
  float sum = 0;
  for (size_t index = 0; index < points; ++index)
    sum += function(xf[index], yf[index]);
  return sum > 0;
}

static void spread(double low, double high) {
  uint64_t random = 88172645463325252u;
  for (size_t index = 0; index < POINTS; ++index) {
    x[index] = low + (high - low) * ((double)(next_random(&random) >> 11) * 0x1p-53);
    y[index] = -5 + 10 * ((double)(next_random(&random) >> 11) * 0x1p-53);
    xf[index] = (float)x[index];
    yf[index] = (float)y[index];
  }
}

void measure_mathematics(void) {
  spread(-20, 20);
  measure("mathematics", "exp", run_exp, POINTS);
  measure("mathematics", "expf", run_expf, POINTS);
  measure("mathematics", "sin", run_sin, POINTS);
  measure("mathematics", "sinf", run_sinf, POINTS);
  measure("mathematics", "cos", run_cos, POINTS);
  measure("mathematics", "cosf", run_cosf, POINTS);
  spread(-1e6, 1e6);
  measure("mathematics", "sin_large", run_sin, POINTS);
  measure("mathematics", "cos_large", run_cos, POINTS);
  spread(0, 100);
  measure("mathematics", "log", run_log, POINTS);
  measure("mathematics", "logf", run_logf, POINTS);
  measure("mathematics", "pow", run_pow, POINTS);
  measure("mathematics", "powf", run_powf, POINTS);
}
