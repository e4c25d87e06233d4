/* A run of QBE. All of its memory is freed afterwards, and its variables are reset before: what a run has left that did
 * not come to its end, such as one that the compile jail has ended, does not count. */
#include <stdlib.h>

static void *system_allocate(size_t size) { return malloc(size); }
static void system_free(void *block) { free(block); }

#include "runtime.h"
#include "state.h"

int bareflow_qbe_main(int count, char **arguments);
int bareflow_qbe_run(const char *text, size_t size, const char **made, size_t *made_size);
void bareflow_qbe_release(void);

struct qbe_text {
  char *start;
  size_t position;
  size_t size;
  /* It does not grow: what has no room is left out. */
  int is_fixed;
};

qbe_text qbe_input, qbe_output, qbe_messages;
int qbe_argument;

/* The last block of memory, which knows the one before it. */
enum { BLOCK_BYTES = 256 * 1024, ALIGNMENT = 16 };
typedef struct block {
  struct block *before;
  size_t unused;
} block;
static block *blocks;
static char *unused_memory;
static char message[256];
static void *way_out[5];
static int status;

void *qbe_allocate(size_t count, size_t size) {
  size_t bytes = (count * size + ALIGNMENT - 1) & -(size_t)ALIGNMENT;
  if (!blocks || blocks->unused < bytes) {
    size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    block *fresh = system_allocate(sizeof *fresh + ALIGNMENT + room);
    if (!fresh)
      qbe_fail("out of memory");
    fresh->before = blocks;
    fresh->unused = room;
    blocks = fresh;
    unused_memory = (char *)(((uintptr_t)(fresh + 1) + ALIGNMENT - 1) & -(uintptr_t)ALIGNMENT);
  }
  void *found = unused_memory;
  unused_memory += bytes;
  blocks->unused -= bytes;
  return memset(found, 0, bytes);
}

_Noreturn void qbe_end(int ended) {
  status = ended;
  __builtin_longjmp(way_out, 1);
}

_Noreturn void qbe_fail(const char *what) {
  qbe_print(&qbe_messages, "%s", what);
  qbe_end(QBE_FAILED);
}

int qbe_read(qbe_text *text) {
  return text->position < text->size ? (unsigned char)text->start[text->position++] : EOF;
}

int qbe_unread(int character, qbe_text *text) {
  if (character != EOF)
    text->position--;
  return character;
}

static void add(qbe_text *text, const char *characters, size_t count) {
  if (text->size - text->position < count) {
    if (text->is_fixed)
      return;
    size_t size = 2 * (text->size + count) + 4096;
    char *larger = qbe_allocate(size, 1);
    if (text->position)
      memcpy(larger, text->start, text->position);
    text->start = larger;
    text->size = size;
  }
  memcpy(text->start + text->position, characters, count);
  text->position += count;
}

int qbe_put(int character, qbe_text *text) {
  char one = (char)character;
  add(text, &one, 1);
  return character;
}

int qbe_put_all(const char *characters, qbe_text *text) {
  add(text, characters, strlen(characters));
  return 0;
}

static void add_number(qbe_text *text, unsigned long long number, unsigned base) {
  char digits[24];
  size_t start = sizeof digits;
  do
    digits[--start] = "0123456789abcdef"[number % base];
  while (number /= base);
  add(text, digits + start, sizeof digits - start);
}

/* What QBE asks for: numbers, words and characters. Floating point only stands in comments, and is left out. */
int qbe_print_list(qbe_text *text, const char *format, va_list list) {
  for (; *format; format++) {
    if (*format != '%') {
      add(text, format, 1);
      continue;
    }
    int has_plus = 0, longs = 0;
    while (strchr("+-.0123456789", *++format) && *format)
      has_plus |= *format == '+';
    for (; *format == 'l'; format++)
      longs++;
    switch (*format) {
    case 'd': {
      long long number = longs ? va_arg(list, long) : va_arg(list, int);
      if (number < 0)
        add(text, "-", 1);
      else if (has_plus)
        add(text, "+", 1);
      add_number(text, number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number, 10);
      break;
    }
    case 'u':
    case 'x': {
      unsigned long long number = longs ? va_arg(list, unsigned long) : va_arg(list, unsigned);
      add_number(text, number, *format == 'x' ? 16 : 10);
      break;
    }
    case 's':
      qbe_put_all(va_arg(list, const char *), text);
      break;
    case 'c':
      qbe_put(va_arg(list, int), text);
      break;
    case 'f':
      (void)va_arg(list, double);
      break;
    case '%':
      add(text, "%", 1);
      break;
    default:
      qbe_fail("a format that is not known");
    }
  }
  return 0;
}

int qbe_print(qbe_text *text, const char *format, ...) {
  va_list list;
  va_start(list, format);
  qbe_print_list(text, format, list);
  va_end(list);
  return 0;
}

int qbe_print_list_in(char *place, size_t size, const char *format, va_list list) {
  qbe_text text = {place, 0, size - 1, 1};
  qbe_print_list(&text, format, list);
  place[text.position] = 0;
  return (int)text.position;
}

int qbe_print_in(char *place, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int count = qbe_print_list_in(place, SIZE_MAX / 2, format, list);
  va_end(list);
  return count;
}

/* Frees the memory of the last run, with what it has made. */
void bareflow_qbe_release(void) {
  while (blocks) {
    block *before = blocks->before;
    system_free(blocks);
    blocks = before;
  }
}

/* Makes of a text what main makes of it. What is made, or else a message, stays until it is released. */
int bareflow_qbe_run(const char *text, size_t size, const char **made, size_t *made_size) {
  static char name[] = "qbe";
  static char *arguments[] = {name, 0};
  blocks = 0;
  qbe_reset_util();
  qbe_reset_parse();
  qbe_reset_emit();
  qbe_reset_ssa();
  qbe_input = (qbe_text){(char *)(uintptr_t)text, 0, size, 1};
  qbe_output = (qbe_text){0};
  qbe_messages = (qbe_text){message, 0, sizeof message, 1};
  qbe_argument = 1;
  if (!__builtin_setjmp(way_out))
    bareflow_qbe_main(1, arguments);
  qbe_text *result = status == QBE_DONE ? &qbe_output : &qbe_messages;
  *made = result->start;
  *made_size = result->position;
  return status;
}
