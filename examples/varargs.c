// Functions with variable arguments: every kind of argument, more than fit in registers, a copied
// list, and a list handed on to the C library.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

static long long sum(unsigned count, ...) {
  va_list arguments;
  va_start(arguments, count);
  long long total = 0;
  for (unsigned i = 0; i < count; i++)
    total += va_arg(arguments, int);
  va_end(arguments);
  return total;
}

static double mean(unsigned count, ...) {
  va_list arguments;
  va_start(arguments, count);
  double total = 0;
  for (unsigned i = 0; i < count; i++)
    total += va_arg(arguments, double);
  va_end(arguments);
  return count ? total / count : 0;
}

struct point {
  double x, y;
};

static void describe(const char *kinds, ...) {
  va_list arguments;
  va_start(arguments, kinds);
  for (; *kinds; kinds++) {
    switch (*kinds) {
    case 'i':
      printf(" %d", va_arg(arguments, int));
      break;
    case 'l':
      printf(" %lld", (long long)va_arg(arguments, int64_t));
      break;
    case 'd':
      printf(" %.3f", va_arg(arguments, double));
      break;
    case 's':
      printf(" %s", va_arg(arguments, const char *));
      break;
    case 'p': {
      struct point point = va_arg(arguments, struct point);
      printf(" (%.1f, %.1f)", point.x, point.y);
      break;
    }
    }
  }
  va_end(arguments);
  printf("\n");
}

static int length_and_text(char *buffer, size_t size, const char *format, ...) {
  va_list arguments, copy;
  va_start(arguments, format);
  va_copy(copy, arguments);
  int length = vsnprintf(NULL, 0, format, copy);
  va_end(copy);
  vsnprintf(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}

static void forward(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}

int main(void) {
  printf("sum %lld %lld\n", sum(0), sum(3, 1, 2, 3));
  printf("sum %lld\n", sum(12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  printf("mean %.4f\n", mean(10, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.5));
  describe("ids", 1, 2.5, "three");
  describe("ilidsldddd", -1, INT64_MIN, 2, 0.125, "mixed", INT64_MAX, 1.5, 2.5, 3.5, 4.5);
  describe("pip", (struct point){1, 2}, 3, (struct point){4, 5});
  describe("ddddddddps", 1., 2., 3., 4., 5., 6., 7., 8., (struct point){9, 10}, "end");
  char buffer[12];
  int length = length_and_text(buffer, sizeof buffer, "%s is %d", "the answer", 42);
  printf("%d \"%s\"\n", length, buffer);
  forward("%c %5.1f %s %x\n", 'v', 2.25, "forwarded", 255u);
  return 0;
}
