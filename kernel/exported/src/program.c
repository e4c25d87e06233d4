// The functions of the C library that belong to a program's run rather than to the library: linked into every
// exported program before it is optimised. A program may have functions with these names itself.
#define PROGRAM __attribute__((weak))

_Noreturn void bareflow_exit(int status);
_Noreturn void bareflow_exit_now(int status);
_Noreturn void bareflow_abort(void);
_Noreturn void bareflow_assert_fail(const char *expression, const char *file, unsigned line,
                                    const char *function);
int bareflow_at_exit(void (*function)(void *), void *argument);
int bareflow_on_exit(void (*function)(int, void *), void *argument);
int bareflow_at_thread_exit(void (*function)(void *), void *argument);

PROGRAM char __dso_handle;

PROGRAM _Noreturn void exit(int status) { bareflow_exit(status); }
PROGRAM _Noreturn void _exit(int status) { bareflow_exit_now(status); }
PROGRAM _Noreturn void _Exit(int status) { bareflow_exit_now(status); }
PROGRAM _Noreturn void abort(void) { bareflow_abort(); }

PROGRAM _Noreturn void __assert_fail(const char *expression, const char *file, unsigned line,
                                     const char *function) {
  bareflow_assert_fail(expression, file, line, function);
}

PROGRAM int __cxa_atexit(void (*function)(void *), void *argument, void *object) {
  (void)object;
  return bareflow_at_exit(function, argument);
}

PROGRAM int __cxa_thread_atexit(void (*function)(void *), void *argument, void *object) {
  (void)object;
  return bareflow_at_thread_exit(function, argument);
}

PROGRAM int __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *object) {
  (void)object;
  return bareflow_at_thread_exit(function, argument);
}

// The handler ignores the argument: SysV callees do not see registers they do not read.
PROGRAM int atexit(void (*function)(void)) {
  return bareflow_at_exit((void (*)(void *))function, 0);
}

PROGRAM int on_exit(void (*function)(int, void *), void *argument) {
  return bareflow_on_exit(function, argument);
}
