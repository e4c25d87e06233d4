// Parses JSON (RFC 8259) into a tree, prints it in one line and indented, and rejects what is not
// JSON with the place of the error. Parses documents of its own, or the first argument.
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NOTHING, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT };

struct value {
  enum kind kind;
  bool truth;
  double number;
  char *text;            // of a string
  char *key;             // within an object
  struct value *first;   // of an array or object
  struct value *next;    // within an array or object
};

struct parser {
  const char *start, *position;
  const char *error;
};

static struct value *parse_value(struct parser *parser);

static void release(struct value *value) {
  while (value) {
    struct value *next = value->next;
    release(value->first);
    free(value->text);
    free(value->key);
    free(value);
    value = next;
  }
}

static void fail(struct parser *parser, const char *error) {
  if (!parser->error)
    parser->error = error;
}

static void skip_space(struct parser *parser) {
  while (*parser->position && strchr(" \t\r\n", *parser->position))
    parser->position++;
}

static bool accept(struct parser *parser, const char *text) {
  skip_space(parser);
  if (strncmp(parser->position, text, strlen(text)) != 0)
    return false;
  parser->position += strlen(text);
  return true;
}

static struct value *create(enum kind kind) {
  struct value *value = calloc(1, sizeof *value);
  if (!value) {
    fprintf(stderr, "json: out of memory\n");
    exit(1);
  }
  value->kind = kind;
  return value;
}

static char *encode_utf8(char *out, unsigned code) {
  if (code < 0x80) {
    *out++ = (char)code;
  } else if (code < 0x800) {
    *out++ = (char)(0xc0 | code >> 6);
    *out++ = (char)(0x80 | (code & 0x3f));
  } else {
    *out++ = (char)(0xe0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    *out++ = (char)(0x80 | (code & 0x3f));
  }
  return out;
}

static char *unescape(struct parser *parser, char *out) {
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char letter = *parser->position++;
  const char *found = letter ? strchr(letters, letter) : NULL;
  if (found) {
    *out++ = meanings[found - letters];
    return out;
  }
  unsigned code = 0;
  for (int i = 0; letter == 'u' && i < 4; i++) {
    char digit = *parser->position++;
    if (!isxdigit((unsigned char)digit)) {
      letter = '\0';
      break;
    }
    code = code * 16 + (unsigned)(isdigit((unsigned char)digit) ? digit - '0'
                                                                : (tolower(digit) - 'a' + 10));
  }
  if (letter != 'u') {
    parser->position--;
    fail(parser, "bad escape");
    return out;
  }
  return encode_utf8(out, code);
}

// After the opening quote. A text never grows when its escapes are resolved.
static char *parse_text(struct parser *parser) {
  const char *end = parser->position;
  while (*end && *end != '"')
    end += end[0] == '\\' && end[1] ? 2 : 1;
  char *text = malloc((size_t)(end - parser->position) + 1), *out = text;
  if (!text)
    exit(1);
  while (!parser->error && *parser->position != '"') {
    if ((unsigned char)*parser->position < ' ')
      fail(parser, *parser->position ? "control character in a string" : "unterminated string");
    else if (*parser->position == '\\')
      parser->position++, out = unescape(parser, out);
    else
      *out++ = *parser->position++;
  }
  *out = '\0';
  parser->position += !parser->error;
  return text;
}

static struct value *parse_number(struct parser *parser) {
  const char *digits = parser->position + (*parser->position == '-');
  if (!isdigit((unsigned char)digits[0]) || (digits[0] == '0' && isdigit((unsigned char)digits[1]))) {
    fail(parser, "value expected");
    return create(NOTHING);
  }
  char *end;
  struct value *value = create(NUMBER);
  value->number = strtod(parser->position, &end);
  parser->position = end;
  return value;
}

static struct value *parse_members(struct parser *parser, enum kind kind, const char *close) {
  struct value *container = create(kind), **link = &container->first;
  if (accept(parser, close))
    return container;
  do {
    char *key = NULL;
    if (kind == OBJECT) {
      if (!accept(parser, "\"")) {
        fail(parser, "name expected");
        break;
      }
      key = parse_text(parser);
      if (!accept(parser, ":"))
        fail(parser, "':' expected");
    }
    *link = parse_value(parser);
    (*link)->key = key;
    link = &(*link)->next;
  } while (!parser->error && accept(parser, ","));
  if (!parser->error && !accept(parser, close))
    fail(parser, kind == OBJECT ? "',' or '}' expected" : "',' or ']' expected");
  return container;
}

static struct value *parse_value(struct parser *parser) {
  struct value *value;
  if (accept(parser, "null"))
    return create(NOTHING);
  if (accept(parser, "true")) {
    value = create(BOOLEAN);
    value->truth = true;
    return value;
  }
  if (accept(parser, "false"))
    return create(BOOLEAN);
  if (accept(parser, "["))
    return parse_members(parser, ARRAY, "]");
  if (accept(parser, "{"))
    return parse_members(parser, OBJECT, "}");
  if (!accept(parser, "\""))
    return parse_number(parser);
  value = create(STRING);
  value->text = parse_text(parser);
  return value;
}

static void print_text(const char *text) {
  putchar('"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      printf("\\%c", *text);
    else if ((unsigned char)*text < ' ')
      printf("\\u%04x", (unsigned)*text);
    else
      putchar(*text);
  }
  putchar('"');
}

// A negative indentation prints everything in one line.
static void new_line(int indentation) {
  if (indentation >= 0)
    printf("\n%*s", 2 * indentation, "");
}

static void print(const struct value *value, int indentation) {
  switch (value->kind) {
  case NOTHING:
    printf("null");
    return;
  case BOOLEAN:
    printf(value->truth ? "true" : "false");
    return;
  case NUMBER:
    printf("%.12g", value->number);
    return;
  case STRING:
    print_text(value->text);
    return;
  case ARRAY:
  case OBJECT:
    break;
  }
  int inner = indentation < 0 ? indentation : indentation + 1;
  putchar(value->kind == ARRAY ? '[' : '{');
  for (const struct value *member = value->first; member; member = member->next) {
    new_line(inner);
    if (value->kind == OBJECT) {
      print_text(member->key);
      printf(indentation < 0 ? ":" : ": ");
    }
    print(member, inner);
    if (member->next)
      putchar(',');
  }
  if (value->first)
    new_line(indentation);
  putchar(value->kind == ARRAY ? ']' : '}');
}

static bool show(const char *document, bool indented) {
  struct parser parser = {document, document, NULL};
  struct value *value = parse_value(&parser);
  skip_space(&parser);
  if (*parser.position)
    fail(&parser, "unexpected text after the value");
  if (parser.error) {
    printf("error at offset %td: %s\n", parser.position - parser.start, parser.error);
  } else {
    print(value, -1);
    putchar('\n');
    if (indented) {
      print(value, 0);
      putchar('\n');
    }
  }
  release(value);
  return !parser.error;
}

int main(int argc, char **argv) {
  if (argc > 1)
    return !show(argv[1], true);
  show("{\"name\": \"BareFlow\", \"llvm\": 18, \"targets\": [\"x86_64\"], \"tiers\": "
       "[{\"level\": 0, \"optimised\": false}, {\"level\": 3, \"optimised\": true}], "
       "\"parent\": null, \"ratio\": 0.5, \"none\": {}, \"empty\": []}",
       true);
  static const char *const documents[] = {
      "[1, -2, 3.25, 1e3, -0.5e-2, 0]",
      " \"caf\\u00e9 \\\"quoted\\\" \\\\ tab\\t\" ",
      "[[[[[[]]]]]]",
      "true",
      "[1, 2",
      "{\"a\" 1}",
      "[01]",
      "\"open",
      "[\"\\x\"]",
      "{\"a\": nul}",
      "1 2",
      "",
  };
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
    show(documents[i], false);
  return 0;
}
