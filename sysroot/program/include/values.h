#ifndef BAREFLOW_VALUES_H
#define BAREFLOW_VALUES_H

#include <float.h>
#include <limits.h>

#define BITS(type) (CHAR_BIT * (int)sizeof(type))
#define CHARBITS CHAR_BIT
#define SHORTBITS BITS(short)
#define INTBITS BITS(int)
#define LONGBITS BITS(long)
#define MAXSHORT SHRT_MAX
#define MAXINT INT_MAX
#define MAXLONG LONG_MAX
#define MINSHORT SHRT_MIN
#define MININT INT_MIN
#define MINLONG LONG_MIN
#define MAXDOUBLE DBL_MAX
#define MINDOUBLE DBL_MIN
#define MAXFLOAT FLT_MAX
#define MINFLOAT FLT_MIN

#endif
