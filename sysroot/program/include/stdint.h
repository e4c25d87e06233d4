#ifndef BAREFLOW_PROGRAM_STDINT_H
#define BAREFLOW_PROGRAM_STDINT_H

#include_next <stdint.h>

// Constants of types that are promoted are of type int (C11 7.20.4.1), as in glibc.
#undef UINT8_C
#undef UINT16_C
#define UINT8_C(value) value
#define UINT16_C(value) value

#endif
