#ifndef BAREFLOW_BITS_TYPES_MBSTATE_T_H
#define BAREFLOW_BITS_TYPES_MBSTATE_T_H

typedef struct {
  unsigned state;
} mbstate_t;

#endif
