#ifndef BAREFLOW_GETOPT_H
#define BAREFLOW_GETOPT_H

#include <__llvm-libc-common.h>

#define no_argument 0
#define required_argument 1
#define optional_argument 2

struct option {
  const char *name;
  int has_arg;
  int *flag;
  int val;
};

__BEGIN_C_DECLS
extern char *optarg;
extern int optind, opterr, optopt;
int getopt(int count, char *const arguments[], const char *options);
int getopt_long(int count, char *const arguments[], const char *options, const struct option *long_options,
                int *index);
int getopt_long_only(int count, char *const arguments[], const char *options, const struct option *long_options,
                     int *index);
__END_C_DECLS

#endif
