/* A function of this file has memory that it keeps from call to call, in a variable that nobody else sees: it is none of
 * the memory that is freed after a run. */
#include "runtime.h"

/* As many temporaries as can be alive at once in what is not refused for its size, and as QBE adds. */
enum { MOST_ALIVE = 1 << 16 };

void *qbe_room_for_all(size_t bytes) {
  static int room[MOST_ALIVE];
  if (bytes > sizeof room)
    qbe_fail("too many temporaries");
  return room;
}

#define emalloc qbe_room_for_all
#include "spill.c"
