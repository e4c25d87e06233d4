/* <complex.h>: ISO C17 7.3 and clog10 of the GNU C library. Imaginary types are not there, as in clang. */
#ifndef BAREFLOW_PROGRAM_COMPLEX_H
#define BAREFLOW_PROGRAM_COMPLEX_H

#define complex _Complex
#define _Complex_I (__extension__(0.0f + 1.0iF))
#define I _Complex_I

#define CMPLX(x, y) __builtin_complex((double)(x), (double)(y))
#define CMPLXF(x, y) __builtin_complex((float)(x), (float)(y))
#define CMPLXL(x, y) __builtin_complex((long double)(x), (long double)(y))

#ifdef __cplusplus
extern "C" {
#endif

/* Declare a function in the three precisions. */
#define BAREFLOW_UNARY(name)                 \
  double _Complex name(double _Complex);     \
  float _Complex name##f(float _Complex);    \
  long double _Complex name##l(long double _Complex);
#define BAREFLOW_REAL(name)         \
  double name(double _Complex);     \
  float name##f(float _Complex);    \
  long double name##l(long double _Complex);

BAREFLOW_UNARY(cacos)
BAREFLOW_UNARY(cacosh)
BAREFLOW_UNARY(casin)
BAREFLOW_UNARY(casinh)
BAREFLOW_UNARY(catan)
BAREFLOW_UNARY(catanh)
BAREFLOW_UNARY(ccos)
BAREFLOW_UNARY(ccosh)
BAREFLOW_UNARY(cexp)
BAREFLOW_UNARY(clog)
BAREFLOW_UNARY(conj)
BAREFLOW_UNARY(cproj)
BAREFLOW_UNARY(csin)
BAREFLOW_UNARY(csinh)
BAREFLOW_UNARY(csqrt)
BAREFLOW_UNARY(ctan)
BAREFLOW_UNARY(ctanh)
BAREFLOW_REAL(cabs)
BAREFLOW_REAL(carg)
BAREFLOW_REAL(cimag)
BAREFLOW_REAL(creal)

double _Complex cpow(double _Complex, double _Complex);
float _Complex cpowf(float _Complex, float _Complex);
long double _Complex cpowl(long double _Complex, long double _Complex);

#if !defined __STRICT_ANSI__ || defined __cplusplus || defined _GNU_SOURCE
BAREFLOW_UNARY(clog10)
#endif

#undef BAREFLOW_UNARY
#undef BAREFLOW_REAL

#ifdef __cplusplus
}
#endif

#endif
