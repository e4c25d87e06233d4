// What of x86-64 must be known where it is used; see ../arch.h.
#pragma once

#include <stdint.h>

namespace bareflow::arch {

// The time stamp counter.
inline uint64_t read_clock() { return __builtin_ia32_rdtsc(); }

} // namespace bareflow::arch
