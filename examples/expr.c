// A small expression interpreter: recursive descent over numbers, variables, functions and
// assignments. Evaluates a list of its own, or each argument.
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
  const char *start, *position;
  char error[80];
};

static double variables[26];

static double expression(struct parser *parser);

static void fail(struct parser *parser, const char *format, ...) {
  if (parser->error[0])
    return;
  char reason[48];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  snprintf(parser->error, sizeof parser->error, "column %td: %s",
           parser->position - parser->start + 1, reason);
}

static int accept(struct parser *parser, char wanted) {
  while (isspace((unsigned char)*parser->position))
    parser->position++;
  if (*parser->position != wanted)
    return 0;
  parser->position++;
  return 1;
}

static double call(struct parser *parser, const char *name, double argument) {
  static const struct {
    const char *name;
    double (*function)(double);
  } functions[] = {{"sqrt", sqrt}, {"abs", fabs}, {"floor", floor}, {"ceil", ceil}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strcmp(functions[i].name, name) == 0)
      return functions[i].function(argument);
  fail(parser, "no function '%s'", name);
  return 0;
}

static double named(struct parser *parser) {
  char name[16];
  size_t length = 0;
  while (isalpha((unsigned char)*parser->position) && length + 1 < sizeof name)
    name[length++] = *parser->position++;
  name[length] = '\0';
  if (accept(parser, '(')) {
    double argument = expression(parser);
    if (!accept(parser, ')'))
      fail(parser, "')' expected");
    return call(parser, name, argument);
  }
  if (length != 1 || !islower((unsigned char)name[0])) {
    fail(parser, "no variable '%s'", name);
    return 0;
  }
  double *variable = &variables[name[0] - 'a'];
  if (accept(parser, '='))
    *variable = expression(parser);
  return *variable;
}

static double primary(struct parser *parser) {
  if (accept(parser, '-'))
    return -primary(parser);
  if (accept(parser, '(')) {
    double value = expression(parser);
    if (!accept(parser, ')'))
      fail(parser, "')' expected");
    return value;
  }
  if (isalpha((unsigned char)*parser->position))
    return named(parser);
  char *end;
  double value = strtod(parser->position, &end);
  if (end == parser->position)
    fail(parser, *end ? "unexpected '%c'" : "unexpected end", *end);
  parser->position = end;
  return value;
}

static double power(struct parser *parser) {
  double base = primary(parser);
  if (!accept(parser, '^'))
    return base;
  double exponent = power(parser), result = 1;
  if (exponent < 0 || exponent > 1000 || exponent != floor(exponent)) {
    fail(parser, "exponent %g is not a small whole number", exponent);
    return 0;
  }
  for (int i = 0; i < (int)exponent; i++)
    result *= base;
  return result;
}

static double term(struct parser *parser) {
  double value = power(parser);
  for (;;) {
    if (accept(parser, '*')) {
      value *= power(parser);
    } else if (accept(parser, '/')) {
      double divisor = power(parser);
      if (divisor == 0)
        fail(parser, "division by zero");
      value /= divisor;
    } else {
      return value;
    }
  }
}

static double expression(struct parser *parser) {
  double value = term(parser);
  for (;;) {
    if (accept(parser, '+'))
      value += term(parser);
    else if (accept(parser, '-'))
      value -= term(parser);
    else
      return value;
  }
}

static int evaluate(const char *text) {
  struct parser parser = {text, text, ""};
  double value = expression(&parser);
  accept(&parser, ' ');
  if (*parser.position)
    fail(&parser, "unexpected '%c'", *parser.position);
  if (parser.error[0])
    printf("%s -> error at %s\n", text, parser.error);
  else
    printf("%s -> %.10g\n", text, value);
  return parser.error[0] != '\0';
}

int main(int argc, char **argv) {
  static const char *const examples[] = {
      "1 + 2 * 3",       "(1 + 2) * 3", "2 ^ 3 ^ 2",      "-4 ^ 2",         "10 / 4 - 1",
      "r = sqrt(2)",     "r * r",       "x = y = 7",      "x * y + floor(2.7) - ceil(0.2)",
      "abs(1 - 10) / 3", "1e3 + .5",    "((((1))))",      "1 / (2 - 2)",    "2 +",
      "3 $ 4",           "foo(1)",      "2 ^ 0.5",        "(1 + 2",         "speed * 2",
  };
  int errors = 0;
  if (argc > 1) {
    for (int i = 1; i < argc; i++)
      errors += evaluate(argv[i]);
    return errors != 0;
  }
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
    errors += evaluate(examples[i]);
  printf("%d errors\n", errors);
  return 0;
}
