// No include guard: every inclusion looks at NDEBUG anew (C11 7.2).
#include_next <assert.h>

// A keyword of its own since C23 and C++11, and no part of the language before C11.
#if defined(__STDC_VERSION__) && __STDC_VERSION__ > 201710L
#undef static_assert
#endif
