// Sorts the same data by a quicksort of its own and by the C library's qsort, then searches it.
// Argument: the number of records (default 250).
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
  uint32_t key;
  uint32_t serial;
};

static uint32_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33);
}

// A total order: sorting need not be stable to be reproducible.
static int compare(const void *left, const void *right) {
  const struct record *a = left, *b = right;
  if (a->key != b->key)
    return a->key < b->key ? -1 : 1;
  return (a->serial > b->serial) - (a->serial < b->serial);
}

static int compare_text(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void swap(struct record *a, struct record *b) {
  struct record saved = *a;
  *a = *b;
  *b = saved;
}

static void quicksort(struct record *records, size_t count) {
  while (count > 1) {
    swap(&records[0], &records[count / 2]);
    size_t boundary = 0;
    for (size_t i = 1; i < count; i++)
      if (compare(&records[i], &records[0]) < 0)
        swap(&records[++boundary], &records[i]);
    swap(&records[0], &records[boundary]);
    // Recursion goes into the smaller part, so that the stack grows by the logarithm only.
    size_t above = count - boundary - 1;
    if (boundary < above) {
      quicksort(records, boundary);
      records += boundary + 1;
      count = above;
    } else {
      quicksort(records + boundary + 1, above);
      count = boundary;
    }
  }
}

int main(int argc, char **argv) {
  size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 250;
  struct record *own = malloc(count * sizeof *own), *library = malloc(count * sizeof *library);
  if (!own || !library || count == 0) {
    fprintf(stderr, "qsort: cannot sort %zu records\n", count);
    return 1;
  }
  uint64_t state = 42;
  for (size_t i = 0; i < count; i++)
    own[i] = (struct record){next_random(&state) % 1000, (uint32_t)i};
  memcpy(library, own, count * sizeof *own);
  quicksort(own, count);
  qsort(library, count, sizeof *library, compare);

  size_t disorder = 0;
  for (size_t i = 1; i < count; i++)
    disorder += compare(&own[i - 1], &own[i]) >= 0;
  printf("%zu records, %zu out of order, both sorts %s\n", count, disorder,
         memcmp(own, library, count * sizeof *own) == 0 ? "agree" : "DISAGREE");
  printf("least %u (%u), median %u (%u), greatest %u (%u)\n", own[0].key, own[0].serial,
         own[count / 2].key, own[count / 2].serial, own[count - 1].key, own[count - 1].serial);

  struct record wanted = own[count / 3];
  struct record *found = bsearch(&wanted, library, count, sizeof *library, compare);
  printf("bsearch finds index %td of %zu\n", found ? found - library : (ptrdiff_t)-1, count / 3);

  const char *words[] = {"pear", "apple", "fig", "quince", "banana", "cherry", "apricot", "date"};
  size_t word_count = sizeof words / sizeof *words;
  qsort(words, word_count, sizeof *words, compare_text);
  for (size_t i = 0; i < word_count; i++)
    printf("%s%c", words[i], i + 1 == word_count ? '\n' : ' ');
  free(own);
  free(library);
  return disorder != 0;
}
