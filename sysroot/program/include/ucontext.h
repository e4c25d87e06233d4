// Several stacks in one thread. A program that uses them is compiled before it starts.
#ifndef BAREFLOW_UCONTEXT_H
#define BAREFLOW_UCONTEXT_H

#include <sys/ucontext.h>

__BEGIN_C_DECLS
int getcontext(ucontext_t *context) __attribute__((__returns_twice__));
int setcontext(const ucontext_t *context);
void makecontext(ucontext_t *context, void (*function)(void), int count, ...);
int swapcontext(ucontext_t *__restrict old, const ucontext_t *__restrict context) __attribute__((__returns_twice__));
__END_C_DECLS

#endif
