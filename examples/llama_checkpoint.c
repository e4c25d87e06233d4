// Makes a checkpoint and a tokenizer for llama.c from a seed, in any shape, as large as the disk allows: numbers go to
// the file as they are made.
//
//     llama_checkpoint CHECKPOINT TOKENIZER fp32|int8 SEED DIM HIDDEN LAYERS HEADS KV_HEADS VOCABULARY CONTEXT
//
// The weights are random, so the text means nothing; it is the same for everybody.
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 256, MAGIC = 0x616b3432, SPECIALS = 3, BYTES = 256, LONGEST = 8, LARGEST_GROUP = 64 };

static const char *subject;
static uint64_t random_state;

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "llama_checkpoint: %s: %s\n", subject, what);
  exit(1);
}

static FILE *create(const char *path) {
  subject = path;
  FILE *file = fopen(path, "wb");
  if (!file) fail(strerror(errno));
  return file;
}

static void put(FILE *file, const void *bytes, size_t size) {
  if (fwrite(bytes, 1, size, file) != size) fail(strerror(errno));
}

static void put_int(FILE *file, int32_t value) { put(file, &value, sizeof value); }

static void finish(FILE *file) {
  if (fclose(file) != 0) fail(strerror(errno));
}

// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016.
static uint64_t next_random(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1dull;
}

// Uniform between -limit and limit.
static float next_weight(float limit) { return ((float)(next_random() >> 40) / (float)(1 << 23) - 1.0f) * limit; }

typedef struct {
  int32_t dim, hidden, layers, heads, kv_heads, vocabulary, context;
} Shape;

static void put_norms(FILE *file, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    float weight = 1.0f + next_weight(0.1f);
    put(file, &weight, sizeof weight);
  }
}

// `group` numbers share a scale; 0 means fp32.
static void put_matrix(FILE *file, int64_t rows, int64_t columns, int32_t group) {
  // Such products keep about the size of the vectors that they are made from.
  float limit = sqrtf(3.0f / (float)columns);
  if (group == 0) {
    for (int64_t i = 0; i < rows * columns; i++) {
      float weight = next_weight(limit);
      put(file, &weight, sizeof weight);
    }
    return;
  }
  for (int64_t i = 0; i < rows * columns; i++) {
    int8_t weight = (int8_t)(next_random() >> 56);
    if (weight == -128) weight = -127;
    put(file, &weight, 1);
  }
  for (int64_t i = 0; i < rows * columns / group; i++) {
    float scale = limit / 127.0f * (1.0f + next_weight(0.2f));
    put(file, &scale, sizeof scale);
  }
}

static void put_matrices(FILE *file, const Shape *shape, int64_t rows, int64_t columns, int32_t group) {
  for (int32_t layer = 0; layer < shape->layers; layer++) put_matrix(file, rows, columns, group);
}

static void write_checkpoint(const char *path, const Shape *shape, int32_t group) {
  FILE *file = create(path);
  put_int(file, MAGIC);
  put_int(file, group == 0 ? 1 : 2);
  put(file, shape, sizeof *shape);
  const uint8_t is_shared = 0;
  put(file, &is_shared, 1);
  size_t used = 2 * sizeof(int32_t) + sizeof *shape + 1;
  if (group != 0) {
    put_int(file, group);
    used += sizeof group;
  }
  const char zeros[HEADER_BYTES] = {0};
  put(file, zeros, HEADER_BYTES - used);

  int64_t dim = shape->dim, hidden = shape->hidden, kv_dim = dim / shape->heads * shape->kv_heads;
  put_norms(file, 2 * shape->layers * dim + dim);
  put_matrix(file, shape->vocabulary, dim, group);
  put_matrices(file, shape, dim, dim, group);
  put_matrices(file, shape, kv_dim, dim, group);
  put_matrices(file, shape, kv_dim, dim, group);
  put_matrices(file, shape, dim, dim, group);
  put_matrices(file, shape, hidden, dim, group);
  put_matrices(file, shape, dim, hidden, group);
  put_matrices(file, shape, hidden, dim, group);
  put_matrix(file, shape->vocabulary, dim, group);
  finish(file);
}

static void put_token(FILE *file, float score, const char *text) {
  put(file, &score, sizeof score);
  put_int(file, (int32_t)strlen(text));
  put(file, text, strlen(text));
}

static void write_tokenizer(const char *path, int32_t vocabulary) {
  FILE *file = create(path);
  put_int(file, LONGEST);
  const char *specials[SPECIALS] = {"<unk>", "\n<s>\n", "\n</s>\n"};
  for (int32_t id = 0; id < vocabulary; id++) {
    char text[LONGEST + 1];
    if (id < SPECIALS) {
      put_token(file, 0, specials[id]);
    } else if (id < SPECIALS + BYTES) {
      snprintf(text, sizeof text, "<0x%02X>", (unsigned)(id - SPECIALS));
      put_token(file, 0, text);
    } else {
      // Letters of the number, so that all are different.
      int length = 0;
      if (id % 3 == 0) text[length++] = ' ';
      for (int32_t rest = id - SPECIALS - BYTES; length < LONGEST; rest = rest / 26 - 1) {
        text[length++] = (char)('a' + rest % 26);
        if (rest < 26) break;
      }
      text[length] = 0;
      put_token(file, -(float)id, text);
    }
  }
  finish(file);
}

int main(int argc, char **argv) {
  subject = "usage";
  if (argc != 12 || (strcmp(argv[3], "fp32") && strcmp(argv[3], "int8")))
    fail("CHECKPOINT TOKENIZER fp32|int8 SEED DIM HIDDEN LAYERS HEADS KV_HEADS VOCABULARY CONTEXT");
  int32_t numbers[7];
  for (int i = 0; i < 7; i++) numbers[i] = (int32_t)strtol(argv[i + 5], NULL, 10);
  Shape shape;
  memcpy(&shape, numbers, sizeof shape);
  for (int i = 0; i < 7; i++)
    if (numbers[i] < 1) fail("a size is not a positive number");
  if (shape.vocabulary < SPECIALS + BYTES) fail("the vocabulary has less than 259 tokens");
  if (shape.dim % shape.heads || shape.heads % shape.kv_heads || shape.dim / shape.heads % 2)
    fail("the heads do not divide the dimension");
  int32_t group = 0;
  if (!strcmp(argv[3], "int8"))
    for (group = LARGEST_GROUP; shape.dim % group || shape.hidden % group;) group /= 2;
  random_state = strtoull(argv[4], NULL, 10) * 2 + 1;
  write_checkpoint(argv[1], &shape, group);
  write_tokenizer(argv[2], shape.vocabulary);
  return 0;
}
