// Patterns of allocation as programs have them.
#include "measure.h"

#include <stdlib.h>
#include <string.h>

struct node {
  struct node *left, *right;
};

static struct node *build(size_t depth) {
  struct node *node = malloc(sizeof *node);
  node->left = depth ? build(depth - 1) : NULL;
  node->right = depth ? build(depth - 1) : NULL;
  return node;
}

static uint64_t destroy(struct node *node) {
  if (!node)
    return 0;
  uint64_t count = 1 + destroy(node->left) + destroy(node->right);
  free(node);
  return count;
}

static uint64_t binary_trees(size_t depth) { return destroy(build(depth)); }

// A database: pages stay for long in a cache, and each statement has many small blocks of a few sizes, some that grow
// as text is appended, and gives everything back in another order than it was taken.
enum { PAGES = 256, PAGE_BYTES = 4368, STATEMENTS = 20, PARTS = 96 };
static void *pages[PAGES];

static uint64_t database(size_t seed) {
  static const unsigned short sizes[] = {16, 24, 32, 40, 48, 56, 72, 72, 96, 120, 120, 168, 240, 280, 512, 1032};
  uint64_t random = seed, sum = 0;
  for (int statement = 0; statement < STATEMENTS; ++statement) {
    void *parts[PARTS];
    for (int part = 0; part < PARTS; ++part) {
      size_t size = sizes[next_random(&random) % (sizeof sizes / sizeof *sizes)];
      parts[part] = malloc(size);
      *(char *)parts[part] = (char)part;
      if (part % 16 == 0) {
        for (size_t grown = size; grown < 1500; grown = grown * 2 + 8)
          parts[part] = realloc(parts[part], grown);
      }
      if (part % 4 == 3) {
        unsigned victim = (unsigned)(next_random(&random) % (unsigned)part);
        free(parts[victim]);
        parts[victim] = NULL;
      }
    }
    for (int page = 0; page < 4; ++page) {
      unsigned victim = (unsigned)(next_random(&random) % PAGES);
      free(pages[victim]);
      pages[victim] = malloc(PAGE_BYTES);
      *(char *)pages[victim] = 1;
    }
    for (int part = 0; part < PARTS; ++part) {
      unsigned index = (unsigned)(part * 37) % PARTS;
      sum += parts[index] ? *(unsigned char *)parts[index] : 0;
      free(parts[index]);
    }
  }
  return sum;
}

// A scripting language with a collector: everything goes through realloc; tables double; strings of all lengths; the
// sweep gives back most of what is there, in the order in which it was made.
enum { OBJECTS = 2000 };

static void *resize(void *block, size_t size) {
  if (size == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, size);
}

static uint64_t script(size_t seed) {
  static void *objects[OBJECTS];
  static void *arrays[OBJECTS];
  uint64_t random = seed, sum = 0;
  for (int collection = 0; collection < 3; ++collection) {
    for (int index = 0; index < OBJECTS; ++index) {
      if (objects[index])
        continue;
      uint64_t kind = next_random(&random) % 8;
      if (kind < 4) {
        objects[index] = resize(NULL, 24 + next_random(&random) % 64 + 1);
      } else if (kind < 6) {
        objects[index] = resize(NULL, 56);
        for (size_t count = 4; count <= (4u << next_random(&random) % 5); count *= 2)
          arrays[index] = resize(arrays[index], count * 16);
      } else {
        objects[index] = resize(NULL, kind == 6 ? 40 : 32);
      }
      *(char *)objects[index] = (char)index;
    }
    for (int index = 0; index < OBJECTS; ++index) {
      if (next_random(&random) % 5 == 0)
        continue;
      sum += *(unsigned char *)objects[index];
      arrays[index] = resize(arrays[index], 0);
      objects[index] = resize(objects[index], 0);
    }
  }
  return sum;
}

// A text that grows by a line at a time, and gets its true size at the end.
static uint64_t growing_text(size_t lines) {
  char *text = NULL;
  size_t used = 0, room = 0;
  for (size_t line = 0; line < lines; ++line) {
    if (used + 40 > room) {
      room = room ? room * 2 : 64;
      text = realloc(text, room);
    }
    memcpy(text + used, "a line of forty bytes, as they are read\n", 40);
    used += 40;
  }
  text = realloc(text, used);
  uint64_t sum = (unsigned char)text[used - 1];
  free(text);
  return sum;
}

// Large blocks that come and go.
static uint64_t large_blocks(size_t count) {
  uint64_t random = 88172645463325252u, sum = 0;
  void *blocks[8] = {NULL};
  for (size_t index = 0; index < count; ++index) {
    void **block = &blocks[index % 8];
    free(*block);
    size_t size = 8192 + next_random(&random) % 100000;
    *block = malloc(size);
    ((char *)*block)[size - 1] = 1;
    sum += size;
  }
  for (int index = 0; index < 8; ++index)
    free(blocks[index]);
  return sum;
}

static uint64_t zeroed_blocks(size_t count) {
  uint64_t sum = 0;
  for (size_t index = 0; index < count; ++index) {
    char *volatile block = calloc(1 + index % 32, 24);
    sum += (uint64_t)block[0] + 1;
    free(block);
  }
  return sum;
}

void measure_allocation(void) {
  measure("malloc", "binary_trees", binary_trees, 12);
  measure("malloc", "database", database, 88172645463325252u);
  measure("malloc", "script", script, 88172645463325252u);
  measure("malloc", "growing_text", growing_text, 4000);
  measure("malloc", "large_blocks", large_blocks, 400);
  measure("malloc", "calloc", zeroed_blocks, 1000);
}
