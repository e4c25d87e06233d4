#ifndef BAREFLOW_MATH_H
#define BAREFLOW_MATH_H

#include_next <math.h>

#define HUGE_VALF __builtin_huge_valf()
#define HUGE_VALL __builtin_huge_vall()
#define M_E 2.71828182845904523536
#define M_LOG2E 1.44269504088896340736
#define M_LOG10E 0.434294481903252
#define M_LN2 0.693147180559945309417
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.785398163397448309616
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.707106781186547524401

#define FP_NAN 0
#define FP_INFINITE 1
#define FP_ZERO 2
#define FP_SUBNORMAL 3
#define FP_NORMAL 4
#ifndef __cplusplus
#define fpclassify(x)                                                          \
  __builtin_fpclassify(FP_NAN, FP_INFINITE, FP_NORMAL, FP_SUBNORMAL, FP_ZERO, x)
#define isnormal(x) __builtin_isnormal(x)
#define signbit(x) __builtin_signbit(x)
#define isgreater(x, y) __builtin_isgreater(x, y)
#define isgreaterequal(x, y) __builtin_isgreaterequal(x, y)
#define isless(x, y) __builtin_isless(x, y)
#define islessequal(x, y) __builtin_islessequal(x, y)
#define islessgreater(x, y) __builtin_islessgreater(x, y)
#define isunordered(x, y) __builtin_isunordered(x, y)
#else
// libc++ declares these as functions.
#undef isfinite
#undef isinf
#undef isnan
#endif

__BEGIN_C_DECLS
#define BAREFLOW_UNARY(name) double name(double);
BAREFLOW_UNARY(acos)
BAREFLOW_UNARY(acosh)
BAREFLOW_UNARY(asin)
BAREFLOW_UNARY(asinh)
BAREFLOW_UNARY(atan)
BAREFLOW_UNARY(atanh)
BAREFLOW_UNARY(cbrt)
BAREFLOW_UNARY(cosh)
BAREFLOW_UNARY(erf)
BAREFLOW_UNARY(erfc)
BAREFLOW_UNARY(lgamma)
BAREFLOW_UNARY(sinh)
BAREFLOW_UNARY(tanh)
BAREFLOW_UNARY(tgamma)
#undef BAREFLOW_UNARY
double atan2(double, double);
double pow(double, double);
double scalbln(double, long);
float atan2f(float, float);
float cbrtf(float);
__END_C_DECLS

#endif
