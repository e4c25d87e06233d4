/* The functions that are measured: X(name in C, name in MPFR or MPC). */

#define UNARY_FUNCTIONS(X) \
  X(acos, acos) X(acosh, acosh) X(asin, asin) X(asinh, asinh) X(atan, atan) X(atanh, atanh) \
  X(cbrt, cbrt) X(cos, cos) X(cosh, cosh) X(erf, erf) X(erfc, erfc) X(exp, exp) X(exp10, exp10) \
  X(exp2, exp2) X(expm1, expm1) X(j0, j0) X(j1, j1) X(log, log) X(log10, log10) X(log1p, log1p) \
  X(log2, log2) X(sin, sin) X(sinh, sinh) X(sqrt, sqrt) X(tan, tan) X(tanh, tanh) \
  X(tgamma, gamma) X(y0, y0) X(y1, y1)

/* Its reference has a sign beside the result. */
#define LOGARITHMIC_FUNCTIONS(X) X(lgamma, lgamma)

#define BINARY_FUNCTIONS(X) X(atan2, atan2) X(fmod, fmod) X(hypot, hypot) X(pow, pow)

/* The second operand is the order. */
#define ORDER_FUNCTIONS(X) X(jn, jn) X(yn, yn)

#define COMPLEX_FUNCTIONS(X) \
  X(cacos, acos) X(cacosh, acosh) X(casin, asin) X(casinh, asinh) X(catan, atan) X(catanh, atanh) \
  X(ccos, cos) X(ccosh, cosh) X(cexp, exp) X(clog, log) X(clog10, log10) X(csin, sin) X(csinh, sinh) \
  X(csqrt, sqrt) X(ctan, tan) X(ctanh, tanh)

#define ALL_FUNCTIONS(X) \
  UNARY_FUNCTIONS(X) LOGARITHMIC_FUNCTIONS(X) BINARY_FUNCTIONS(X) ORDER_FUNCTIONS(X) COMPLEX_FUNCTIONS(X)

/* One call: the operands, or the parts of one, and the result, or its parts. */
struct record {
  long double x, y, re, im;
};
