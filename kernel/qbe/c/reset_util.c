#include "util.c"

#include "state.h"

void qbe_reset_util(void) {
  memset(ptr, 0, sizeof ptr);
  memset(itbl, 0, sizeof itbl);
  pool = ptr;
  nptr = 1;
  typ = 0;
}
