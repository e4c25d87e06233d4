/* <math.h>: ISO C17 7.12, what POSIX and the GNU C library add to it, and the cheap part of C23. */
#ifndef BAREFLOW_PROGRAM_MATH_H
#define BAREFLOW_PROGRAM_MATH_H

/* FLT_EVAL_METHOD is 0 for SSE2. */
typedef float float_t;
typedef double double_t;

#define HUGE_VAL __builtin_huge_val()
#define HUGE_VALF __builtin_huge_valf()
#define HUGE_VALL __builtin_huge_vall()
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

#define FP_NAN 0
#define FP_INFINITE 1
#define FP_ZERO 2
#define FP_SUBNORMAL 3
#define FP_NORMAL 4

#define FP_ILOGB0 (-__INT_MAX__ - 1)
#define FP_ILOGBNAN __INT_MAX__

#ifdef __FMA__
#define FP_FAST_FMA 1
#define FP_FAST_FMAF 1
#endif

#define MATH_ERRNO 1
#define MATH_ERREXCEPT 2
#if defined __FAST_MATH__
#define math_errhandling 0
#elif defined __NO_MATH_ERRNO__
#define math_errhandling MATH_ERREXCEPT
#else
#define math_errhandling (MATH_ERRNO | MATH_ERREXCEPT)
#endif

#define fpclassify(x) \
  __builtin_fpclassify(FP_NAN, FP_INFINITE, FP_NORMAL, FP_SUBNORMAL, FP_ZERO, x)
#define isfinite(x) __builtin_isfinite(x)
#define isinf(x) __builtin_isinf(x)
#define isnan(x) __builtin_isnan(x)
#define isnormal(x) __builtin_isnormal(x)
#define signbit(x) __builtin_signbit(x)
#define isgreater(x, y) __builtin_isgreater(x, y)
#define isgreaterequal(x, y) __builtin_isgreaterequal(x, y)
#define isless(x, y) __builtin_isless(x, y)
#define islessequal(x, y) __builtin_islessequal(x, y)
#define islessgreater(x, y) __builtin_islessgreater(x, y)
#define isunordered(x, y) __builtin_isunordered(x, y)

#if defined _GNU_SOURCE || (defined __STDC_VERSION__ && __STDC_VERSION__ > 201710L)
#define issignaling(x)                                        \
  (sizeof(x) == sizeof(float)    ? __issignalingf((float)(x)) \
   : sizeof(x) == sizeof(double) ? __issignaling((double)(x)) \
                                 : __issignalingl(x))
#define issubnormal(x) (fpclassify(x) == FP_SUBNORMAL)
#define iszero(x) (fpclassify(x) == FP_ZERO)
#endif

#define M_E 2.71828182845904523536
#define M_LOG2E 1.44269504088896340736
#define M_LOG10E 0.43429448190325182765
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_2_SQRTPI 1.12837916709551257390
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440

#define M_El 2.718281828459045235360287471352662498L
#define M_LOG2El 1.442695040888963407359924681001892137L
#define M_LOG10El 0.434294481903251827651128918916605082L
#define M_LN2l 0.693147180559945309417232121458176568L
#define M_LN10l 2.302585092994045684017991454684364208L
#define M_PIl 3.141592653589793238462643383279502884L
#define M_PI_2l 1.570796326794896619231321691639751442L
#define M_PI_4l 0.785398163397448309615660845819875721L
#define M_1_PIl 0.318309886183790671537767526745028724L
#define M_2_PIl 0.636619772367581343075535053490057448L
#define M_2_SQRTPIl 1.128379167095512573896158903121545172L
#define M_SQRT2l 1.414213562373095048801688724209698079L
#define M_SQRT1_2l 0.707106781186547524400844362104849039L

#define MAXFLOAT __FLT_MAX__
#define HUGE __FLT_MAX__

/* What ISO C does not have would take names from a program in strict ISO C. */
#if !defined __STRICT_ANSI__ || defined __cplusplus || defined _GNU_SOURCE || defined _DEFAULT_SOURCE || \
    defined _BSD_SOURCE || defined _SVID_SOURCE || defined _XOPEN_SOURCE
#define BAREFLOW_MATH_ALL 1
#endif

#if defined __cplusplus && __cplusplus >= 201103L
#define BAREFLOW_MATH_NOEXCEPT noexcept
#elif defined __cplusplus
#define BAREFLOW_MATH_NOEXCEPT throw()
#else
#define BAREFLOW_MATH_NOEXCEPT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Declare a function in the three precisions. */
#define BAREFLOW_UNARY(name)                        \
  double name(double) BAREFLOW_MATH_NOEXCEPT;       \
  float name##f(float) BAREFLOW_MATH_NOEXCEPT;      \
  long double name##l(long double) BAREFLOW_MATH_NOEXCEPT;
#define BAREFLOW_BINARY(name)                              \
  double name(double, double) BAREFLOW_MATH_NOEXCEPT;      \
  float name##f(float, float) BAREFLOW_MATH_NOEXCEPT;      \
  long double name##l(long double, long double) BAREFLOW_MATH_NOEXCEPT;
#define BAREFLOW_WITH(name, other)                        \
  double name(double, other) BAREFLOW_MATH_NOEXCEPT;      \
  float name##f(float, other) BAREFLOW_MATH_NOEXCEPT;     \
  long double name##l(long double, other) BAREFLOW_MATH_NOEXCEPT;
#define BAREFLOW_TO(result, name)                    \
  result name(double) BAREFLOW_MATH_NOEXCEPT;        \
  result name##f(float) BAREFLOW_MATH_NOEXCEPT;      \
  result name##l(long double) BAREFLOW_MATH_NOEXCEPT;

BAREFLOW_UNARY(acos)
BAREFLOW_UNARY(acosh)
BAREFLOW_UNARY(asin)
BAREFLOW_UNARY(asinh)
BAREFLOW_UNARY(atan)
BAREFLOW_UNARY(atanh)
BAREFLOW_UNARY(cbrt)
BAREFLOW_UNARY(ceil)
BAREFLOW_UNARY(cos)
BAREFLOW_UNARY(cosh)
BAREFLOW_UNARY(erf)
BAREFLOW_UNARY(erfc)
BAREFLOW_UNARY(exp)
BAREFLOW_UNARY(exp2)
BAREFLOW_UNARY(expm1)
BAREFLOW_UNARY(fabs)
BAREFLOW_UNARY(floor)
BAREFLOW_UNARY(lgamma)
BAREFLOW_UNARY(log)
BAREFLOW_UNARY(log10)
BAREFLOW_UNARY(log1p)
BAREFLOW_UNARY(log2)
BAREFLOW_UNARY(logb)
BAREFLOW_UNARY(nearbyint)
BAREFLOW_UNARY(rint)
BAREFLOW_UNARY(round)
BAREFLOW_UNARY(sin)
BAREFLOW_UNARY(sinh)
BAREFLOW_UNARY(sqrt)
BAREFLOW_UNARY(tan)
BAREFLOW_UNARY(tanh)
BAREFLOW_UNARY(tgamma)
BAREFLOW_UNARY(trunc)

BAREFLOW_BINARY(atan2)
BAREFLOW_BINARY(copysign)
BAREFLOW_BINARY(fdim)
BAREFLOW_BINARY(fmax)
BAREFLOW_BINARY(fmin)
BAREFLOW_BINARY(fmod)
BAREFLOW_BINARY(hypot)
BAREFLOW_BINARY(nextafter)
BAREFLOW_BINARY(pow)
BAREFLOW_BINARY(remainder)

BAREFLOW_WITH(frexp, int *)
BAREFLOW_WITH(ldexp, int)
BAREFLOW_WITH(nexttoward, long double)
BAREFLOW_WITH(scalbln, long)
BAREFLOW_WITH(scalbn, int)

BAREFLOW_TO(int, ilogb)
BAREFLOW_TO(long, lrint)
BAREFLOW_TO(long, lround)
BAREFLOW_TO(long long, llrint)
BAREFLOW_TO(long long, llround)

double fma(double, double, double) BAREFLOW_MATH_NOEXCEPT;
float fmaf(float, float, float) BAREFLOW_MATH_NOEXCEPT;
long double fmal(long double, long double, long double) BAREFLOW_MATH_NOEXCEPT;
double modf(double, double *) BAREFLOW_MATH_NOEXCEPT;
float modff(float, float *) BAREFLOW_MATH_NOEXCEPT;
long double modfl(long double, long double *) BAREFLOW_MATH_NOEXCEPT;
double nan(const char *) BAREFLOW_MATH_NOEXCEPT;
float nanf(const char *) BAREFLOW_MATH_NOEXCEPT;
long double nanl(const char *) BAREFLOW_MATH_NOEXCEPT;
double remquo(double, double, int *) BAREFLOW_MATH_NOEXCEPT;
float remquof(float, float, int *) BAREFLOW_MATH_NOEXCEPT;
long double remquol(long double, long double, int *) BAREFLOW_MATH_NOEXCEPT;

int __issignaling(double) BAREFLOW_MATH_NOEXCEPT;
int __issignalingf(float) BAREFLOW_MATH_NOEXCEPT;
int __issignalingl(long double) BAREFLOW_MATH_NOEXCEPT;

#if defined BAREFLOW_MATH_ALL || (defined __STDC_VERSION__ && __STDC_VERSION__ > 201710L)
BAREFLOW_UNARY(exp10)
BAREFLOW_UNARY(roundeven)
BAREFLOW_BINARY(fmaximum)
BAREFLOW_BINARY(fmaximum_num)
BAREFLOW_BINARY(fminimum)
BAREFLOW_BINARY(fminimum_num)
#endif

#ifdef BAREFLOW_MATH_ALL
/* The sign of the gamma function that the lgamma family was last asked for. */
extern int signgam;

BAREFLOW_UNARY(gamma)
BAREFLOW_UNARY(j0)
BAREFLOW_UNARY(j1)
BAREFLOW_UNARY(pow10)
BAREFLOW_UNARY(significand)
BAREFLOW_UNARY(y0)
BAREFLOW_UNARY(y1)
BAREFLOW_BINARY(drem)
BAREFLOW_BINARY(scalb)
BAREFLOW_TO(int, finite)
#ifndef __cplusplus
/* C++ has overloads of these names for double. */
int(isinf)(double);
int(isnan)(double);
#endif
int isinff(float) BAREFLOW_MATH_NOEXCEPT;
int isinfl(long double) BAREFLOW_MATH_NOEXCEPT;
int isnanf(float) BAREFLOW_MATH_NOEXCEPT;
int isnanl(long double) BAREFLOW_MATH_NOEXCEPT;
double jn(int, double) BAREFLOW_MATH_NOEXCEPT;
float jnf(int, float) BAREFLOW_MATH_NOEXCEPT;
long double jnl(int, long double) BAREFLOW_MATH_NOEXCEPT;
double yn(int, double) BAREFLOW_MATH_NOEXCEPT;
float ynf(int, float) BAREFLOW_MATH_NOEXCEPT;
long double ynl(int, long double) BAREFLOW_MATH_NOEXCEPT;
double lgamma_r(double, int *) BAREFLOW_MATH_NOEXCEPT;
float lgammaf_r(float, int *) BAREFLOW_MATH_NOEXCEPT;
long double lgammal_r(long double, int *) BAREFLOW_MATH_NOEXCEPT;
void sincos(double, double *, double *) BAREFLOW_MATH_NOEXCEPT;
void sincosf(float, float *, float *) BAREFLOW_MATH_NOEXCEPT;
void sincosl(long double, long double *, long double *) BAREFLOW_MATH_NOEXCEPT;
#endif

#ifdef __cplusplus
}
#endif

#undef BAREFLOW_UNARY
#undef BAREFLOW_BINARY
#undef BAREFLOW_WITH
#undef BAREFLOW_TO
#undef BAREFLOW_MATH_NOEXCEPT

#endif
