// Non-local jumps: an error that leaves many calls at once, nested handlers, and a retry loop.
#include <setjmp.h>
#include <stdio.h>

struct handler {
  jmp_buf place;
  struct handler *outer;
};

static struct handler *innermost;

static _Noreturn void raise_error(int code) {
  struct handler *handler = innermost;
  innermost = handler->outer;
  longjmp(handler->place, code);
}

static int descend(int depth) {
  if (depth == 0)
    raise_error(42);
  return 1 + descend(depth - 1);
}

static void nested(void) {
  struct handler outer = {.outer = innermost}, inner;
  int code = setjmp(outer.place);
  if (code == 0) {
    innermost = &outer;
    inner.outer = innermost;
    code = setjmp(inner.place);
    if (code == 0) {
      innermost = &inner;
      raise_error(1);
    }
    printf("inner handler: %d\n", code);
    raise_error(code + 1);
  }
  printf("outer handler: %d\n", code);
}

static void retry(void) {
  static jmp_buf again;
  volatile int attempts = 0;
  int code = setjmp(again);
  attempts++;
  printf("attempt %d, code %d\n", attempts, code);
  if (attempts < 4)
    longjmp(again, attempts * 10);
}

int main(void) {
  struct handler handler = {.outer = NULL};
  int code = setjmp(handler.place);
  if (code == 0) {
    innermost = &handler;
    printf("descending\n");
    printf("not reached: %d\n", descend(20));
  }
  printf("back with %d\n", code);
  // C11 7.13.2.1: a jump with 0 arrives as 1.
  static jmp_buf zero;
  int value = setjmp(zero);
  if (value == 0)
    longjmp(zero, 0);
  printf("zero arrives as %d\n", value);
  nested();
  retry();
  return 0;
}
