// What a program finds around it: arguments, environment, clocks, allocation in all its forms,
// 64-bit arithmetic, global data, assertions that hold, and exit handlers in their order.
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int counter = 5;
static int zeroed[100];
static const char *const names[] = {"zero", "one", "two"};
static int *const pointer = &counter;

static void last(void) { printf("last handler, counter %d\n", counter); }
static void first(void) { printf("first handler\n"); }

static void allocation(void) {
  char *block = malloc(10);
  assert(block);
  strcpy(block, "012345678");
  block = realloc(block, 100000);
  assert(block);
  printf("realloc keeps %s\n", block);
  free(block);
  int *cleared = calloc(1000, sizeof *cleared), sum = 0;
  assert(cleared);
  for (int i = 0; i < 1000; i += 50)
    sum |= cleared[i];
  printf("calloc gives %d\n", sum);
  free(cleared);
  free(NULL);
  void *aligned = aligned_alloc(256, 512);
  printf("aligned %d\n", aligned && (uintptr_t)aligned % 256 == 0);
  free(aligned);
  volatile size_t too_much = SIZE_MAX / 2;
  // Volatile, or the compiler drops the allocation and takes it for granted.
  void *volatile none = malloc(too_much);
  printf("too much %d\n", none == NULL);
}

static void arithmetic(void) {
  volatile uint64_t big = 0xfedcba9876543210u;
  volatile int64_t negative = -1234567890123456789;
  volatile int shift = 37;
  printf("%llu %llu\n", (unsigned long long)(big / 1000003), (unsigned long long)(big % 1000003));
  printf("%lld %lld\n", (long long)(negative / 10007), (long long)(negative % 10007));
  printf("%016llx %016llx\n", (unsigned long long)(big << shift), (unsigned long long)(big >> shift));
  printf("%lld %llx\n", (long long)(negative >> shift), (unsigned long long)(big * big));
  printf("%.3f %.3f\n", (double)big, (double)negative);
  volatile double real = 1e15 / 7;
  printf("%lld %u %d\n", (long long)real, (unsigned)(real / 1e6), (int)-3.99);
  printf("%d %d %d\n", __builtin_popcountll(big), __builtin_clzll(big >> 5), __builtin_ctzll(big));
  div_t quotient = div(-17, 5);
  printf("%d %d %lld\n", quotient.quot, quotient.rem, llabs(negative));
}

int main(int argc, char **argv) {
  assert(argc >= 1 && argv[argc] == NULL);
  atexit(last);
  atexit(first);
  printf("%d arguments\n", argc - 1);
  for (int i = 1; i < argc; i++)
    printf("%d: \"%s\"\n", i, argv[i]);
  printf("getenv %d\n", getenv("NO_SUCH_VARIABLE_ANYWHERE") == NULL);
  time_t now = time(NULL);
  clock_t used = clock();
  printf("time %d clock %d\n", now != (time_t)-1, used != (clock_t)-1);
  *pointer += zeroed[99] + (int)strlen(names[2]);
  allocation();
  arithmetic();
  fprintf(stderr, "this line is on stderr\n");
  fputs("fputs ", stdout);
  putchar('c');
  puts(" puts");
  fflush(stdout);
  if (argc > 1)
    exit(argc - 1);
  return 0;
}
