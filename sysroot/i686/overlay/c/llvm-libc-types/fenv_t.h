#include <bits/types/fenv_t.h>
