/* What QBE has in the place of a process: its files are texts in memory, its memory lasts for a run, and its end is the
 * end of a run. */
#ifndef BAREFLOW_QBE_RUNTIME_H
#define BAREFLOW_QBE_RUNTIME_H

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A text that is read, or one that is written and grows. */
typedef struct qbe_text qbe_text;
#define FILE qbe_text

extern qbe_text qbe_input, qbe_output, qbe_messages;
/* The number of the argument that main looks at. */
extern int qbe_argument;

int qbe_read(qbe_text *text);
int qbe_unread(int character, qbe_text *text);
int qbe_put(int character, qbe_text *text);
int qbe_put_all(const char *characters, qbe_text *text);
int qbe_print(qbe_text *text, const char *format, ...);
int qbe_print_list(qbe_text *text, const char *format, va_list list);
int qbe_print_in(char *place, const char *format, ...);
int qbe_print_list_in(char *place, size_t size, const char *format, va_list list);
void *qbe_allocate(size_t count, size_t size);
_Noreturn void qbe_end(int status);
_Noreturn void qbe_fail(const char *what);

/* What QBE ends with when all is done, and when its input is wrong; and what it does when it is wrong itself. */
enum { QBE_DONE = 0, QBE_REFUSED = 1, QBE_FAILED = 2 };

/* A name that the C library has, too. */
#define err qbe_error

#undef EOF
#undef stdin
#undef stdout
#undef stderr
#define EOF (-1)
#define stdin (&qbe_input)
#define stdout (&qbe_output)
#define stderr (&qbe_messages)
#define fgetc qbe_read
#define ungetc qbe_unread
#define fputc qbe_put
#define fputs qbe_put_all
#define fprintf qbe_print
#define vfprintf qbe_print_list
#define sprintf qbe_print_in
#define vsnprintf qbe_print_list_in
/* Floating point is written by its bits: none is ever read. */
#define fscanf(...) 0
/* There are no arguments, and no other files. */
#define fopen(...) 0
#define fclose(...) 0
#define puts(...) 0
#define printf(...) 0
#define calloc qbe_allocate
#define free(...) ((void)0)
#define exit qbe_end
#define abort() qbe_end(QBE_FAILED)
#undef assert
#define assert(condition) ((condition) ? (void)0 : qbe_fail(#condition))

#endif
