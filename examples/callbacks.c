// Function pointers: tables, callbacks with a context, composition, a state machine, and functions
// that return functions.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef int64_t (*binary)(int64_t, int64_t);

static int64_t add(int64_t a, int64_t b) { return a + b; }
static int64_t subtract(int64_t a, int64_t b) { return a - b; }
static int64_t multiply(int64_t a, int64_t b) { return a * b; }

static binary select_operation(char symbol) {
  switch (symbol) {
  case '+':
    return add;
  case '-':
    return subtract;
  case '*':
    return multiply;
  default:
    return NULL;
  }
}

static int64_t fold(const int64_t *values, size_t count, int64_t start, binary combine) {
  for (size_t i = 0; i < count; i++)
    start = combine(start, values[i]);
  return start;
}

struct statistics {
  int64_t sum, least, greatest;
  unsigned visits;
};

static void visit_each(const int64_t *values, size_t count, void (*visit)(void *, int64_t),
                       void *context) {
  for (size_t i = 0; i < count; i++)
    visit(context, values[i]);
}

static void gather(void *context, int64_t value) {
  struct statistics *statistics = context;
  if (statistics->visits == 0 || value < statistics->least)
    statistics->least = value;
  if (statistics->visits == 0 || value > statistics->greatest)
    statistics->greatest = value;
  statistics->sum += value;
  statistics->visits++;
}

// A mixed signature: integers and doubles travel in different registers.
static double blend(int a, double b, long c, float d, char e, double f, short g, double h, int i,
                    int j, int k) {
  return a + b * 2 + (double)c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10 + k * 11;
}

struct pair {
  int64_t first;
  double second;
};

static struct pair exchange(struct pair pair) {
  return (struct pair){(int64_t)pair.second, (double)pair.first};
}

struct state {
  struct state (*next)(int *);
};

static struct state running(int *);
static struct state stopped(int *count) {
  (void)count;
  return (struct state){NULL};
}
static struct state starting(int *count) {
  *count = 3;
  return (struct state){running};
}
static struct state running(int *count) {
  printf("running %d\n", *count);
  return (struct state){--*count > 0 ? running : stopped};
}

static int is_even(unsigned n);
static int is_odd(unsigned n) { return n == 0 ? 0 : is_even(n - 1); }
static int is_even(unsigned n) { return n == 0 ? 1 : is_odd(n - 1); }

static int descending(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a < b) - (a > b);
}

// A function that knows its own address, also when it has been compiled anew.
__attribute__((noinline)) static int is_itself(void (*function)(void)) {
  return function == (void (*)(void))is_itself;
}

int main(void) {
  int64_t values[] = {3, -1, 4, 1, -5, 9, 2, 6};
  size_t count = sizeof values / sizeof *values;
  for (const char *symbol = "+-*"; *symbol; symbol++)
    printf("fold %c: %lld\n", *symbol,
           (long long)fold(values, count, *symbol == '*', select_operation(*symbol)));
  printf("no operation: %d\n", select_operation('?') == NULL);

  struct statistics statistics = {0};
  visit_each(values, count, gather, &statistics);
  printf("sum %lld, least %lld, greatest %lld, visits %u\n", (long long)statistics.sum,
         (long long)statistics.least, (long long)statistics.greatest, statistics.visits);

  double (*volatile mixed)(int, double, long, float, char, double, short, double, int, int, int) =
      blend;
  printf("blend %.3f\n", mixed(1, 2.5, 3, 4.5f, 5, 6.25, 7, 8.125, 9, 10, 11));
  struct pair (*volatile swapper)(struct pair) = exchange;
  struct pair pair = swapper((struct pair){7, 2.75});
  printf("exchange %lld %.2f\n", (long long)pair.first, pair.second);

  int steps = 0;
  for (struct state state = {starting}; state.next;)
    state = state.next(&steps);
  printf("even %d, odd %d\n", is_even(40), is_odd(41));

  void (*volatile itself)(void) = (void (*)(void))is_itself;
  unsigned matches = 0;
  for (int i = 0; i < 12000; i++)
    matches += (unsigned)is_itself(itself);
  printf("itself %u\n", matches);

  qsort(values, count, sizeof *values, descending);
  for (size_t i = 0; i < count; i++)
    printf("%lld%c", (long long)values[i], i + 1 == count ? '\n' : ' ');
  return 0;
}
