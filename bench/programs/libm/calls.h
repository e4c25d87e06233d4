/* Calls of the measured functions, in float, double and long double, by records. */
#include <complex.h>
#include <math.h>

#include "functions.h"

typedef void call(struct record *);

#define UNARY(type, suffix, name) \
  static void call_##name##suffix(struct record *r) { r->re = name##suffix((type)r->x); }
#define BINARY(type, suffix, name) \
  static void call_##name##suffix(struct record *r) { r->re = name##suffix((type)r->x, (type)r->y); }
#define ORDER(type, suffix, name) \
  static void call_##name##suffix(struct record *r) { r->re = name##suffix((int)r->y, (type)r->x); }
#define COMPLEX(type, suffix, name)                                                         \
  static void call_##name##suffix(struct record *r) {                                       \
    type _Complex result = name##suffix(__builtin_complex((type)r->x, (type)r->y));         \
    r->re = __real__ result;                                                                \
    r->im = __imag__ result;                                                                \
  }
#define THREE(kind, name) kind(float, f, name) kind(double, , name) kind(long double, l, name)
#define X(name, reference) THREE(UNARY, name)
UNARY_FUNCTIONS(X)
LOGARITHMIC_FUNCTIONS(X)
#undef X
#define X(name, reference) THREE(BINARY, name)
BINARY_FUNCTIONS(X)
#undef X
#define X(name, reference) THREE(ORDER, name)
ORDER_FUNCTIONS(X)
#undef X
#define X(name, reference) THREE(COMPLEX, name)
COMPLEX_FUNCTIONS(X)
#undef X

static const struct {
  const char *name;
  call *calls[3];
} functions[] = {
#define X(name, reference) {#name, {call_##name##f, call_##name, call_##name##l}},
    ALL_FUNCTIONS(X)
#undef X
};

#undef UNARY
#undef BINARY
#undef ORDER
#undef COMPLEX
#undef THREE
