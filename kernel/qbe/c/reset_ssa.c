#include "ssa.c"

#include "state.h"

void qbe_reset_ssa(void) { namel = 0; }
