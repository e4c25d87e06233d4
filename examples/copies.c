// Copies, moves and fills whose size is the same for long, and then another.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned char from[1200] __attribute__((aligned(64)));
static unsigned char to[1200] __attribute__((aligned(64)));

__attribute__((noinline)) static void copy_block(unsigned at, unsigned from_at, size_t size) {
  memcpy(to + at, from + from_at, size);
}

__attribute__((noinline)) static void move_block(unsigned at, unsigned from_at, size_t size) {
  memmove(to + at, to + from_at, size);
}

__attribute__((noinline)) static void fill_block(unsigned at, int value, size_t size) {
  memset(to + at, value, size);
}

__attribute__((noinline)) static size_t measure_text(const char *text, char end) {
  const char *found = strchr(text, end);
  return strlen(text) + (found ? (size_t)(found - text) : 1000);
}

static uint32_t sum_up(void) {
  uint32_t sum = 1;
  for (unsigned index = 0; index < sizeof to; ++index)
    sum = sum * 31 + to[index];
  return sum;
}

static void show(const char *what) { printf("%-12s %08x\n", what, (unsigned)sum_up()); }

int main(void) {
  for (unsigned index = 0; index < sizeof from; ++index)
    from[index] = (unsigned char)(index * 7 + 1);

  for (unsigned round = 0; round < 12000; ++round)
    copy_block(round % 3 * 64, round % 5 * 64, 512);
  show("copied");
  const size_t sizes[] = {0, 1, 511, 512, 513, 700};
  for (unsigned index = 0; index < sizeof sizes / sizeof *sizes; ++index) {
    copy_block(index * 13, index * 7, sizes[index]);
    show("other size");
  }

  for (unsigned round = 0; round < 12000; ++round)
    move_block(16 + round % 8, round % 16, 100);
  show("moved");
  move_block(3, 0, 900);
  move_block(0, 5, 900);
  show("far");

  for (unsigned round = 0; round < 12000; ++round)
    fill_block(round % 4 * 32, (int)round, 96);
  show("filled");
  fill_block(1, 300, 97);
  fill_block(700, -1, 0);
  show("other fill");

  size_t total = 0;
  for (unsigned round = 0; round < 12000; ++round)
    total += measure_text(&"a text of some length"[round % 20], (char)('a' + round % 26));
  printf("texts %zu\n", total);
  return 0;
}
