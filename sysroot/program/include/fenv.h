/* <fenv.h>: ISO C17 7.6 and the traps of the GNU C library. */
#ifndef BAREFLOW_PROGRAM_FENV_H
#define BAREFLOW_PROGRAM_FENV_H

#define FE_DIVBYZERO 1
#define FE_INEXACT 2
#define FE_INVALID 4
#define FE_OVERFLOW 8
#define FE_UNDERFLOW 16
#define FE_ALL_EXCEPT (FE_DIVBYZERO | FE_INEXACT | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW)

#define FE_TONEAREST 0
#define FE_DOWNWARD 0x400
#define FE_UPWARD 0x800
#define FE_TOWARDZERO 0xc00

#define FE_DFL_ENV ((const fenv_t *)-1)

/* As llvm-libc has them: the x87's environment and the register of SSE. */
typedef struct {
  unsigned char __x86_status[28];
  unsigned char __mxcsr[4];
} fenv_t;
typedef int fexcept_t;

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
