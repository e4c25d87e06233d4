// Measures standard input and output; says on standard error how many MB a second there were.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char block[65536];

static double now_s(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static void report(const char *what, double bytes, double start_s) {
  fprintf(stderr, "%s %.3f\n", what, bytes / (now_s() - start_s) / 1e6);
}

int main(int count, char **words) {
  long total = count > 1 ? atol(words[1]) : 1 << 20;
  for (size_t place = 0; place < sizeof block; place++)
    block[place] = place % 64 == 63 ? '\n' : 'a' + place % 26;

  double start_s = now_s();
  for (long done = 0; done < total; done += sizeof block)
    if (write(1, block, sizeof block) != sizeof block)
      return 1;
  report("blocks", total, start_s);

  start_s = now_s();
  char line[65];
  memcpy(line, block, 64);
  line[64] = 0;
  for (long done = 0; done < total; done += 64)
    fputs(line, stdout);
  fflush(stdout);
  report("lines", total, start_s);

  start_s = now_s();
  double bytes = 0;
  long size;
  while ((size = read(0, block, sizeof block)) > 0)
    bytes += size;
  if (bytes)
    report("input", bytes, start_s);
  return 0;
}
