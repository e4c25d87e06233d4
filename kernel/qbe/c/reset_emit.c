#include "emit.c"

#include "state.h"

void qbe_reset_emit(void) {
  stash = 0;
  file = 0;
  nfile = 0;
}
