/* What files are, runtime.h says. */
#include "runtime.h"
