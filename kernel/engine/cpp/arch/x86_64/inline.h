// What of x86-64 must be known where it is used; see ../arch.h.
#pragma once

#include <stdint.h>

namespace bareflow::arch {

constexpr const char *target_triple = "x86_64-unknown-none-elf";
constexpr const char *baseline_processor = "x86-64";

// The time stamp counter.
inline uint64_t read_clock() { return __builtin_ia32_rdtsc(); }

} // namespace bareflow::arch
