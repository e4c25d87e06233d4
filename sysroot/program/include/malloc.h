#ifndef BAREFLOW_PROGRAM_MALLOC_H
#define BAREFLOW_PROGRAM_MALLOC_H

#include <stdlib.h>

struct mallinfo {
  int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo2 {
  size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

__BEGIN_C_DECLS
// As on the BSDs: programs that do not know the system take it for one of these, and the other callers do not see it.
size_t malloc_usable_size(const void *block) __NOEXCEPT;
struct mallinfo mallinfo(void) __NOEXCEPT;
struct mallinfo2 mallinfo2(void) __NOEXCEPT;
void malloc_stats(void) __NOEXCEPT;
void *pvalloc(size_t size) __NOEXCEPT;
void cfree(void *block) __NOEXCEPT;
int malloc_trim(size_t left) __NOEXCEPT;
int mallopt(int parameter, int value) __NOEXCEPT;
__END_C_DECLS

#define M_MMAP_THRESHOLD -3
#define M_TRIM_THRESHOLD -1
#define M_TOP_PAD -2
#define M_MMAP_MAX -4

#endif
