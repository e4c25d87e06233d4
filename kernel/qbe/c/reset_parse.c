#include "parse.c"

#include "state.h"

void qbe_reset_parse(void) {
  memset(tmph, 0, sizeof tmph);
  memset(blkh, 0, sizeof blkh);
}
