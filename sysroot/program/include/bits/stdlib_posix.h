// What POSIX and BSD add to ISO C's <stdlib.h>, beside memory and conversions.
#ifndef BAREFLOW_BITS_STDLIB_POSIX_H
#define BAREFLOW_BITS_STDLIB_POSIX_H

#define __need_size_t
#include <stddef.h>

#include <__llvm-libc-common.h>
#include <stdint.h>

// The generators' state in a structure of the program's.
struct random_data {
  int32_t *__state;
  size_t __degree, __separation, __front, __rear;
};
struct drand48_data {
  unsigned short __state[3], __old[3], __increment, __is_set;
  unsigned long long __factor;
};

__BEGIN_C_DECLS
char *secure_getenv(const char *name);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
int putenv(char *entry);
int clearenv(void);
int mkstemp(char *name);
int mkostemp(char *name, int flags);
int mkstemps(char *name, int suffix_size);
int mkostemps(char *name, int suffix_size, int flags);
char *mkdtemp(char *name);
char *mktemp(char *name);
int rand_r(unsigned *seed);
long random(void);
void srandom(unsigned seed);
char *initstate(unsigned seed, char *state, size_t size);
char *setstate(char *state);
double drand48(void);
double erand48(unsigned short state[3]);
long lrand48(void);
long nrand48(unsigned short state[3]);
long mrand48(void);
long jrand48(unsigned short state[3]);
void srand48(long seed);
unsigned short *seed48(unsigned short state[3]);
void lcong48(unsigned short parameters[7]);
uint32_t arc4random(void);
uint32_t arc4random_uniform(uint32_t bound);
void arc4random_buf(void *buffer, size_t size);
int getloadavg(double averages[], int count);
int getsubopt(char **options, char *const *names, char **value);
long a64l(const char *text);
char *l64a(long value);
int posix_openpt(int flags);
int grantpt(int file);
int unlockpt(int file);
char *ptsname(int file);
int initstate_r(unsigned seed, char *state, size_t size, struct random_data *data);
int setstate_r(char *state, struct random_data *data);
int srandom_r(unsigned seed, struct random_data *data);
int random_r(struct random_data *data, int32_t *result);
int drand48_r(struct drand48_data *data, double *result);
int erand48_r(unsigned short state[3], struct drand48_data *data, double *result);
int lrand48_r(struct drand48_data *data, long *result);
int nrand48_r(unsigned short state[3], struct drand48_data *data, long *result);
int mrand48_r(struct drand48_data *data, long *result);
int jrand48_r(unsigned short state[3], struct drand48_data *data, long *result);
int srand48_r(long seed, struct drand48_data *data);
int seed48_r(unsigned short state[3], struct drand48_data *data);
int lcong48_r(unsigned short parameters[7], struct drand48_data *data);
__END_C_DECLS

#endif
