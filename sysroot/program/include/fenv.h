/* <fenv.h>: ISO C17 7.6 and the traps of the GNU C library. */
#ifndef BAREFLOW_PROGRAM_FENV_H
#define BAREFLOW_PROGRAM_FENV_H

#include <llvm-libc-macros/fenv-macros.h>
#include <llvm-libc-types/fenv_t.h>
#include <llvm-libc-types/fexcept_t.h>

#ifdef __cplusplus
extern "C" {
#endif

int feclearexcept(int);
int fedisableexcept(int);
int feenableexcept(int);
int fegetenv(fenv_t *);
int fegetexcept(void);
int fegetexceptflag(fexcept_t *, int);
int fegetround(void);
int feholdexcept(fenv_t *);
int feraiseexcept(int);
int fesetenv(const fenv_t *);
int fesetexceptflag(const fexcept_t *, int);
int fesetround(int);
int fetestexcept(int);
int feupdateenv(const fenv_t *);

#ifdef __cplusplus
}
#endif

#endif
