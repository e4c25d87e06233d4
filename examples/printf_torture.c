// printf's conversions, flags, widths, precisions and lengths, with their corner cases.
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void integers(void) {
  printf("[%d] [%i] [%u] [%o] [%x] [%X] [%c] [%%]\n", -1, 42, 42u, 8u, 0xbeefu, 0xbeefu, 'A');
  printf("[%5d] [%-5d] [%05d] [%+d] [% d] [%+5d] [%-+5d|]\n", 42, 42, 42, 42, 42, 42, 42);
  printf("[%.0d] [%.3d] [%8.3d] [%-8.3d] [%08.3d] [%+.0d]\n", 0, 7, 7, 7, 7, 0);
  printf("[%#x] [%#X] [%#o] [%#x] [%#010x] [%#10x] [%-#10x]\n", 255u, 255u, 8u, 0u, 255u, 255u,
         255u);
  printf("[%*d] [%-*d] [%*d] [%.*d]\n", 6, 42, 6, 42, -6, 42, 4, 42);
  printf("[%hhd] [%hhu] [%hd] [%hu]\n", (signed char)-1, (unsigned char)255, (short)-1,
         (unsigned short)65535);
  printf("[%ld] [%lu] [%lx]\n", LONG_MIN, ULONG_MAX, ULONG_MAX);
  printf("[%lld] [%llu] [%llo]\n", LLONG_MIN, ULLONG_MAX, ULLONG_MAX);
  printf("[%d] [%d] [%u]\n", INT_MIN, INT_MAX, UINT_MAX);
  printf("[%jd] [%zu] [%td]\n", INTMAX_MIN, (size_t)12345678901234, (ptrdiff_t)-5);
  printf("[%" PRId64 "] [%" PRIx32 "] [%" PRIu8 "]\n", INT64_MAX, UINT32_C(0xdeadbeef), UINT8_MAX);
}

static void texts(void) {
  printf("[%s] [%10s] [%-10s] [%.3s] [%10.3s] [%-10.3s] [%.0s]\n", "text", "text", "text", "text",
         "text", "text", "text");
  printf("[%c%c%c] [%3c] [%-3c] [%s]\n", 'a', 'b', 'c', 'x', 'y', "");
  const char unterminated[4] = {'f', 'o', 'u', 'r'};
  printf("[%.4s] [%.*s]\n", unterminated, 2, unterminated);
  printf("[%p] [%20p] [%-20p]\n", (void *)0x1234, (void *)0xabcdef, (void *)0xabcdef);
}

static void fixed(void) {
  printf("[%f] [%f] [%f] [%f]\n", 0.0, -0.0, 1.0, -1.5);
  printf("[%.0f] [%.0f] [%.0f] [%.0f] [%#.0f]\n", 0.5, 1.5, 2.5, 3.5, 1.0);
  printf("[%.1f] [%.2f] [%.3f] [%.10f] [%.20f]\n", 0.25, 1.005, 2.0005, 1.0 / 3.0, 0.1);
  printf("[%10.3f] [%-10.3f] [%010.3f] [%+.3f] [% .3f]\n", 3.14159, 3.14159, -3.14159, 3.14159,
         3.14159);
  printf("[%.2f] [%.1f] [%.0f]\n", 999.999, 0.95, 9.5);
  printf("[%f] [%.3f]\n", 123456789012345678.0, 1e22);
  printf("[%.0f]\n", 1e100);
  printf("[%.0f]\n", DBL_MAX);
  printf("[%.15f] [%.30f]\n", 1e-10, 1e-20);
}

static void exponents(void) {
  printf("[%e] [%E] [%e] [%e]\n", 0.0, 1.0, -123456.789, 1e-300);
  printf("[%.0e] [%#.0e] [%.1e] [%.15e] [%.16e]\n", 1.5, 1.0, 9.95, 1.0 / 3.0, 0.1);
  printf("[%12.3e] [%-12.3e] [%012.3e] [%+.2e]\n", 1234.5, 1234.5, -1234.5, 1234.5);
  printf("[%e] [%e] [%e]\n", DBL_MAX, DBL_MIN, 4.9406564584124654e-324);
  printf("[%e] [%.2e]\n", 9.9999999e99, 9.999e9);
}

static void shortest(void) {
  printf("[%g] [%g] [%g] [%g] [%g]\n", 0.0, 1.0, 100000.0, 1000000.0, 1e-4);
  printf("[%g] [%g] [%g] [%G] [%g]\n", 1e-5, 123456789.0, 0.1 + 0.2, 1e-10, 1e300);
  printf("[%.3g] [%.10g] [%.17g] [%.0g] [%#g] [%#.3g]\n", 1234.0, 1.0 / 3.0, 0.1, 15.0, 1.0, 2.5);
  printf("[%10g] [%-10g] [%010g] [%+g] [% g]\n", 2.5, 2.5, -2.5, 2.5, 2.5);
  printf("[%g] [%g] [%g]\n", 99999.95, 999999.5, 0.00009999995);
}

static void hexadecimal(void) {
  printf("[%a] [%a] [%a] [%A] [%a]\n", 0.0, 1.0, -2.5, 255.75, 0.1);
  printf("[%.0a] [%.2a] [%.5a] [%20a] [%-20a|]\n", 1.0, 1.75, 3.0, 1.5, 1.5);
}

static void special(void) {
  double infinity = HUGE_VAL, nan = __builtin_nan("");
  printf("[%f] [%F] [%e] [%G] [%a]\n", infinity, infinity, -infinity, -infinity, infinity);
  printf("[%f] [%F] [%10f] [%-10f] [%+f] [%010f]\n", nan, nan, infinity, nan, infinity, infinity);
}

static void bounded(void) {
  char buffer[16];
  memset(buffer, '#', sizeof buffer);
  int wanted = snprintf(buffer, 8, "%s-%d", "truncated", 12345);
  printf("[%s] wanted %d, next byte '%c'\n", buffer, wanted, buffer[8]);
  printf("no buffer: %d\n", snprintf(NULL, 0, "%d %s", 1234, "abcd"));
  int length = sprintf(buffer, "%02d:%02d:%02d", 7, 5, 9);
  printf("[%s] %d\n", buffer, length);
  int printed = printf("counted");
  printf(" %d\n", printed);
  printf("%s", "");
  fprintf(stdout, "%s%c", "to a stream", '\n');
}

int main(void) {
  integers();
  texts();
  fixed();
  exponents();
  shortest();
  hexadecimal();
  special();
  bounded();
  return 0;
}
