/* What assertions are, runtime.h says. */
