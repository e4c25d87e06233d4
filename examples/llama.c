// Inference of LLaMA-2 models: rotary positions, grouped-query attention, SwiGLU, RMS norm, a BPE tokenizer.
//
//     llama CHECKPOINT TOKENIZER [STEPS [PROMPT]]
//
// Checkpoints are those of llama2.c: version 0 and 1 (fp32) and 2 (int8 in groups, a scale each). The text is the
// greedy one, so it is the same wherever floating-point numbers follow IEEE 754: sums have a fixed order, and
// functions are computed in double precision and rounded once.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BEGIN = 1, END = 2, FIRST_BYTE = 3, LANES = 16, HEADER_BYTES = 256, MAGIC = 0x616b3432 };

#define EPSILON 1e-5f

static const char *subject;

static _Noreturn void fail(const char *what) {
  fflush(stdout);
  fprintf(stderr, "llama: %s: %s\n", subject, what);
  exit(1);
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) fail("not enough memory");
  return memory;
}

// A file, which is read from its start to its end.
typedef struct {
  FILE *stream;
  uint64_t left;
} Input;

static Input open_input(const char *path) {
  subject = path;
  Input input = {fopen(path, "rb"), 0};
  if (!input.stream) fail(strerror(errno));
  long size = fseek(input.stream, 0, SEEK_END) == 0 ? ftell(input.stream) : -1;
  if (size < 0 || size == LONG_MAX || fseek(input.stream, 0, SEEK_SET) != 0) fail("not a regular file");
  input.left = (uint64_t)size;
  return input;
}

static void take(Input *input, void *to, uint64_t bytes) {
  if (bytes > input->left) fail("the file ends too early");
  if (fread(to, 1, bytes, input->stream) != bytes) fail("it cannot be read");
  input->left -= bytes;
}

static int32_t take_int(Input *input) {
  int32_t value;
  take(input, &value, sizeof value);
  return value;
}

typedef struct {
  int32_t dim, hidden_dim, layers, heads, kv_heads, vocabulary, context;
} Shape;

// Rows of numbers, each row as long as the vector that it is multiplied with: fp32, or int8 with a scale a group.
typedef struct {
  float *values;
  int8_t *quants;
  float *scales;
} Matrix;

typedef struct {
  Matrix q, k, v, out, gate, down, up;
  float *attention_norm, *feed_norm;
} Layer;

typedef struct {
  Shape shape;
  // Numbers that share a scale; 0 for fp32.
  int32_t group;
  Matrix embedding, classifier;
  float *final_norm;
  Layer *layers;
} Model;

static float *take_floats(Input *input, uint64_t count) {
  // The size is checked before memory is taken for it: a damaged header may ask for anything.
  if (count > input->left / sizeof(float)) fail("the file ends too early");
  float *values = allocate(count, sizeof *values);
  take(input, values, count * sizeof *values);
  return values;
}

static Matrix take_matrix(Input *input, const Model *model, int rows, int columns) {
  uint64_t count = (uint64_t)rows * (uint64_t)columns;
  Matrix matrix = {0};
  if (model->group == 0) {
    matrix.values = take_floats(input, count);
    return matrix;
  }
  if (count > input->left) fail("the file ends too early");
  matrix.quants = allocate(count, 1);
  take(input, matrix.quants, count);
  matrix.scales = take_floats(input, count / (uint64_t)model->group);
  return matrix;
}

static void check_shape(const Model *model) {
  const Shape *s = &model->shape;
  const int32_t sizes[] = {s->dim, s->hidden_dim, s->layers, s->heads, s->kv_heads, s->vocabulary, s->context};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    if (sizes[i] < 1 || sizes[i] > 1 << 24) fail("the header is not that of a checkpoint");
  if (s->dim % s->heads || s->heads % s->kv_heads || s->dim / s->heads % 2)
    fail("the header's heads do not divide its dimension");
  if (model->group < 0 || (model->group && (s->dim % model->group || s->hidden_dim % model->group)))
    fail("the header's groups do not divide its dimensions");
}

// Where each layer's part of a kind of weights goes.
#define FOR_LAYERS(field, taken) \
  for (int layer = 0; layer < model->shape.layers; layer++) model->layers[layer].field = taken

static void take_norms(Input *input, Model *model) {
  FOR_LAYERS(attention_norm, take_floats(input, (uint64_t)model->shape.dim));
}

static void take_feed_norms(Input *input, Model *model) {
  FOR_LAYERS(feed_norm, take_floats(input, (uint64_t)model->shape.dim));
}

static void take_attention(Input *input, Model *model) {
  int dim = model->shape.dim, kv_dim = dim / model->shape.heads * model->shape.kv_heads;
  FOR_LAYERS(q, take_matrix(input, model, dim, dim));
  FOR_LAYERS(k, take_matrix(input, model, kv_dim, dim));
  FOR_LAYERS(v, take_matrix(input, model, kv_dim, dim));
  FOR_LAYERS(out, take_matrix(input, model, dim, dim));
}

static void take_feed_forward(Input *input, Model *model) {
  int dim = model->shape.dim, hidden = model->shape.hidden_dim;
  FOR_LAYERS(gate, take_matrix(input, model, hidden, dim));
  FOR_LAYERS(down, take_matrix(input, model, dim, hidden));
  FOR_LAYERS(up, take_matrix(input, model, hidden, dim));
}

static void take_shape(Input *input, Shape *shape) { take(input, shape, sizeof *shape); }

// Version 0: seven integers, a negative vocabulary standing for a classifier of its own.
static int take_old_header(Input *input, Model *model, int32_t first) {
  model->shape.dim = first;
  take(input, &model->shape.hidden_dim, sizeof model->shape - sizeof first);
  int is_shared = model->shape.vocabulary > 0;
  if (model->shape.vocabulary > INT_MIN) model->shape.vocabulary = abs(model->shape.vocabulary);
  return is_shared;
}

static void load_old(Input *input, Model *model, int is_shared) {
  const Shape *s = &model->shape;
  model->embedding = take_matrix(input, model, s->vocabulary, s->dim);
  take_norms(input, model);
  take_attention(input, model);
  take_feed_norms(input, model);
  take_feed_forward(input, model);
  model->final_norm = take_floats(input, (uint64_t)s->dim);
  // Two tables of angles, which are computed instead.
  free(take_floats(input, (uint64_t)s->context * (uint64_t)(s->dim / s->heads)));
  model->classifier = is_shared ? model->embedding : take_matrix(input, model, s->vocabulary, s->dim);
}

static void load_new(Input *input, Model *model, int is_shared) {
  const Shape *s = &model->shape;
  take_norms(input, model);
  take_feed_norms(input, model);
  model->final_norm = take_floats(input, (uint64_t)s->dim);
  model->embedding = take_matrix(input, model, s->vocabulary, s->dim);
  take_attention(input, model);
  take_feed_forward(input, model);
  model->classifier = is_shared ? model->embedding : take_matrix(input, model, s->vocabulary, s->dim);
}

static Model load(const char *path) {
  Model model = {0};
  Input input = open_input(path);
  int32_t first = take_int(&input), version = 0;
  uint8_t is_shared;
  if (first == MAGIC) {
    version = take_int(&input);
    if (version != 1 && version != 2) fail("a checkpoint of a version that is not known");
    take_shape(&input, &model.shape);
    take(&input, &is_shared, 1);
    if (version == 2 && (model.group = take_int(&input)) < 1) fail("the header has no size of groups");
    char rest[HEADER_BYTES];
    size_t used = sizeof first + sizeof version + sizeof model.shape + 1 + (version == 2 ? sizeof model.group : 0);
    take(&input, rest, HEADER_BYTES - used);
  } else {
    is_shared = (uint8_t)take_old_header(&input, &model, first);
  }
  check_shape(&model);
  model.layers = allocate((size_t)model.shape.layers, sizeof *model.layers);
  if (version == 0)
    load_old(&input, &model, is_shared);
  else
    load_new(&input, &model, is_shared);
  fclose(input.stream);
  return model;
}

// What one position needs, and the keys and values of those before it.
typedef struct {
  float *x, *normed, *q, *attended, *gate, *up, *scores, *logits, *keys, *values;
  int8_t *quants;
  float *scales;
} State;

static State make_state(const Model *model) {
  const Shape *s = &model->shape;
  size_t dim = (size_t)s->dim, hidden = (size_t)s->hidden_dim, longest = dim > hidden ? dim : hidden;
  size_t cache = (size_t)s->layers * (size_t)s->context * (dim / (size_t)s->heads) * (size_t)s->kv_heads;
  State state = {
      .x = allocate(dim, sizeof(float)),
      .normed = allocate(longest, sizeof(float)),
      .q = allocate(dim, sizeof(float)),
      .attended = allocate(dim, sizeof(float)),
      .gate = allocate(hidden, sizeof(float)),
      .up = allocate(hidden, sizeof(float)),
      .scores = allocate((size_t)s->context, sizeof(float)),
      .logits = allocate((size_t)s->vocabulary, sizeof(float)),
      .keys = allocate(cache, sizeof(float)),
      .values = allocate(cache, sizeof(float)),
      .quants = allocate(longest, 1),
      .scales = allocate(longest, sizeof(float)),
  };
  return state;
}

// Several sums side by side: they can be vectors, and their order is the same with and without.
static float dot(const float *a, const float *b, int count) {
  float sums[LANES] = {0};
  int i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int lane = 0; lane < LANES; lane++) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < count; i++) sums[0] += a[i] * b[i];
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int lane = 0; lane < width; lane++) sums[lane] += sums[lane + width];
  return sums[0];
}

static int32_t dot_quants(const int8_t *a, const int8_t *b, int count) {
  int32_t sum = 0;
  for (int i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

static void quantise(State *state, const float *x, int count, int group) {
  for (int start = 0; start < count; start += group) {
    float most = 0;
    for (int i = start; i < start + group; i++) most = fmaxf(most, fabsf(x[i]));
    float scale = most / 127.0f;
    state->scales[start / group] = scale;
    for (int i = start; i < start + group; i++)
      state->quants[i] = (int8_t)(scale > 0 ? rint((double)x[i] / (double)scale) : 0);
  }
}

// out = matrix * x.
static void multiply(float *out, const Matrix *matrix, const float *x, int rows, int columns, int group,
                     State *state) {
  if (group == 0) {
    for (int row = 0; row < rows; row++) out[row] = dot(matrix->values + (size_t)row * (size_t)columns, x, columns);
    return;
  }
  quantise(state, x, columns, group);
  for (int row = 0; row < rows; row++) {
    size_t start = (size_t)row * (size_t)columns;
    const float *scales = matrix->scales + start / (size_t)group;
    float sum = 0;
    for (int i = 0; i < columns; i += group)
      sum += (float)dot_quants(matrix->quants + start + i, state->quants + i, group) * scales[i / group] *
             state->scales[i / group];
    out[row] = sum;
  }
}

static void normalise(float *out, const float *x, const float *weights, int count) {
  float scale = (float)(1.0 / sqrt((double)(dot(x, x, count) / (float)count + EPSILON)));
  for (int i = 0; i < count; i++) out[i] = weights[i] * (scale * x[i]);
}

static void softmax(float *x, int count) {
  float most = x[0], sum = 0;
  for (int i = 1; i < count; i++) most = fmaxf(most, x[i]);
  for (int i = 0; i < count; i++) sum += x[i] = (float)exp((double)(x[i] - most));
  for (int i = 0; i < count; i++) x[i] /= sum;
}

// Turns each pair of numbers of each head by an angle that grows with the position.
static void rotate(float *vector, int count, int head_size, int position) {
  for (int i = 0; i < count; i += 2) {
    double angle = position / pow(10000.0, (double)(i % head_size) / head_size);
    float cosine = (float)cos(angle), sine = (float)sin(angle), first = vector[i], second = vector[i + 1];
    vector[i] = first * cosine - second * sine;
    vector[i + 1] = first * sine + second * cosine;
  }
}

static void attend(const Model *model, State *state, int index, int position) {
  const Shape *s = &model->shape;
  const Layer *layer = &model->layers[index];
  int dim = s->dim, head_size = dim / s->heads, kv_dim = head_size * s->kv_heads;
  size_t start = (size_t)index * (size_t)s->context * (size_t)kv_dim, here = start + (size_t)position * (size_t)kv_dim;
  normalise(state->normed, state->x, layer->attention_norm, dim);
  multiply(state->q, &layer->q, state->normed, dim, dim, model->group, state);
  multiply(state->keys + here, &layer->k, state->normed, kv_dim, dim, model->group, state);
  multiply(state->values + here, &layer->v, state->normed, kv_dim, dim, model->group, state);
  rotate(state->q, dim, head_size, position);
  rotate(state->keys + here, kv_dim, head_size, position);
  float scale = (float)sqrt((double)head_size);
  for (int head = 0; head < s->heads; head++) {
    // Several heads share their keys and values.
    size_t shared = start + (size_t)(head / (s->heads / s->kv_heads) * head_size);
    for (int past = 0; past <= position; past++)
      state->scores[past] =
          dot(state->q + head * head_size, state->keys + shared + (size_t)past * (size_t)kv_dim, head_size) / scale;
    softmax(state->scores, position + 1);
    float *out = state->attended + head * head_size;
    memset(out, 0, (size_t)head_size * sizeof *out);
    for (int past = 0; past <= position; past++) {
      const float *value = state->values + shared + (size_t)past * (size_t)kv_dim;
      for (int i = 0; i < head_size; i++) out[i] += state->scores[past] * value[i];
    }
  }
  multiply(state->normed, &layer->out, state->attended, dim, dim, model->group, state);
  for (int i = 0; i < dim; i++) state->x[i] += state->normed[i];
}

static void feed_forward(const Model *model, State *state, const Layer *layer) {
  int dim = model->shape.dim, hidden = model->shape.hidden_dim;
  normalise(state->normed, state->x, layer->feed_norm, dim);
  multiply(state->gate, &layer->gate, state->normed, hidden, dim, model->group, state);
  multiply(state->up, &layer->up, state->normed, hidden, dim, model->group, state);
  for (int i = 0; i < hidden; i++)
    state->gate[i] = (float)(state->gate[i] / (1.0 + exp(-(double)state->gate[i]))) * state->up[i];
  multiply(state->normed, &layer->down, state->gate, dim, hidden, model->group, state);
  for (int i = 0; i < dim; i++) state->x[i] += state->normed[i];
}

static void embed(const Model *model, State *state, int token) {
  int dim = model->shape.dim;
  size_t start = (size_t)token * (size_t)dim;
  for (int i = 0; i < dim; i++)
    state->x[i] = model->group == 0 ? model->embedding.values[start + (size_t)i]
                                    : (float)model->embedding.quants[start + (size_t)i] *
                                          model->embedding.scales[(start + (size_t)i) / (size_t)model->group];
}

// The likeliest next token after `token` at `position`.
static int predict(const Model *model, State *state, int token, int position) {
  const Shape *s = &model->shape;
  embed(model, state, token);
  for (int layer = 0; layer < s->layers; layer++) {
    attend(model, state, layer, position);
    feed_forward(model, state, &model->layers[layer]);
  }
  normalise(state->normed, state->x, model->final_norm, s->dim);
  multiply(state->logits, &model->classifier, state->normed, s->vocabulary, s->dim, model->group, state);
  int best = 0;
  for (int i = 1; i < s->vocabulary; i++)
    if (state->logits[i] > state->logits[best]) best = i;
  return best;
}

typedef struct {
  char *text;
  float score;
  int id;
} Token;

typedef struct {
  int count;
  Token *tokens, *sorted;
} Tokenizer;

static int compare_texts(const void *left, const void *right) {
  return strcmp(((const Token *)left)->text, ((const Token *)right)->text);
}

static Tokenizer load_tokenizer(const char *path, int vocabulary) {
  Input input = open_input(path);
  Tokenizer result = {vocabulary, allocate((size_t)vocabulary, sizeof(Token)),
                      allocate((size_t)vocabulary, sizeof(Token))};
  take_int(&input);
  for (int i = 0; i < vocabulary; i++) {
    Token *token = &result.tokens[i];
    take(&input, &token->score, sizeof token->score);
    int32_t length = take_int(&input);
    if (length < 0 || (uint64_t)length > input.left) fail("it is not a tokenizer for this checkpoint");
    token->text = allocate((size_t)length + 1, 1);
    take(&input, token->text, (uint64_t)length);
    token->id = i;
  }
  fclose(input.stream);
  memcpy(result.sorted, result.tokens, (size_t)vocabulary * sizeof(Token));
  qsort(result.sorted, (size_t)vocabulary, sizeof(Token), compare_texts);
  return result;
}

static int find_token(const Tokenizer *tokenizer, char *text) {
  Token key = {text, 0, 0};
  const Token *found = bsearch(&key, tokenizer->sorted, (size_t)tokenizer->count, sizeof key, compare_texts);
  return found ? found->id : -1;
}

// Characters, or their bytes where the vocabulary lacks them.
static int split_prompt(const Tokenizer *tokenizer, const char *text, int *tokens) {
  int count = 0;
  while (*text) {
    char character[5] = {*text++};
    for (int length = 1; length < 4 && (*text & 0xc0) == 0x80; length++) character[length] = *text++;
    int id = find_token(tokenizer, character);
    if (id >= 0) {
      tokens[count++] = id;
      continue;
    }
    for (const char *byte = character; *byte; byte++) {
      tokens[count] = FIRST_BYTE + (unsigned char)*byte;
      if (tokens[count++] >= tokenizer->count) fail("the prompt has a character that is not in the vocabulary");
    }
  }
  return count;
}

// Byte-pair encoding: the pair with the best score becomes one token, until no pair is one.
static int encode(const Tokenizer *tokenizer, const char *prompt, int *tokens) {
  tokens[0] = BEGIN;
  if (!*prompt) return 1;
  size_t size = strlen(prompt) + 2;
  char *text = allocate(size, 1);
  snprintf(text, size, " %s", prompt);
  int count = 1 + split_prompt(tokenizer, text, tokens + 1);
  free(text);
  for (;;) {
    float best_score = -INFINITY;
    int best = -1, best_id = -1;
    for (int i = 1; i + 1 < count; i++) {
      const char *left = tokenizer->tokens[tokens[i]].text, *right = tokenizer->tokens[tokens[i + 1]].text;
      size_t length = strlen(left) + strlen(right) + 1;
      char *pair = allocate(length, 1);
      snprintf(pair, length, "%s%s", left, right);
      int id = find_token(tokenizer, pair);
      free(pair);
      if (id >= 0 && tokenizer->tokens[id].score > best_score) {
        best_score = tokenizer->tokens[id].score;
        best = i;
        best_id = id;
      }
    }
    if (best < 0) return count;
    tokens[best] = best_id;
    memmove(tokens + best + 1, tokens + best + 2, (size_t)(count - best - 2) * sizeof *tokens);
    count--;
  }
}

static void print_token(const Tokenizer *tokenizer, int previous, int token) {
  const char *text = tokenizer->tokens[token].text;
  unsigned byte;
  // A text starts without the space that its first word has in the vocabulary.
  if (previous == BEGIN && *text == ' ') text++;
  if (sscanf(text, "<0x%02X>", &byte) == 1)
    putchar((int)byte);
  else
    fputs(text, stdout);
}

static double seconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 5) {
    fputs("usage: llama CHECKPOINT TOKENIZER [STEPS [PROMPT]]\n", stderr);
    return 2;
  }
  Model model = load(argv[1]);
  Tokenizer tokenizer = load_tokenizer(argv[2], model.shape.vocabulary);
  subject = argv[1];
  State state = make_state(&model);
  const char *prompt = argc > 4 ? argv[4] : "";
  int steps = argc > 3 ? atoi(argv[3]) : model.shape.context;
  if (steps < 1 || steps > model.shape.context) steps = model.shape.context;

  int *tokens = allocate(strlen(prompt) + 3, sizeof *tokens);
  int given = encode(&tokenizer, prompt, tokens), token = tokens[0], position = 0;
  double start = seconds();
  while (position < steps) {
    int next = predict(&model, &state, token, position++);
    if (position < given) next = tokens[position];
    if (next == BEGIN || next == END) break;
    print_token(&tokenizer, token, next);
    fflush(stdout);
    token = next;
  }
  putchar('\n');
  fprintf(stderr, "%d tokens, %.1f a second\n", position, position / (seconds() - start));
  return 0;
}
