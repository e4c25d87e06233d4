// No include guard: every inclusion looks at NDEBUG anew (C11 7.2).
#undef assert
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
#ifdef __cplusplus
extern "C"
#endif
__attribute__((__noreturn__)) void __assert_fail(const char *, const char *,
                                                 unsigned, const char *);
#define assert(expression)                                                     \
  ((expression) ? (void)0                                                      \
                : __assert_fail(#expression, __FILE__, __LINE__,               \
                                __extension__ __PRETTY_FUNCTION__))
#endif
#ifndef __cplusplus
#undef static_assert
#define static_assert _Static_assert
#endif
