// The table of levels. It is kernel/tier-policy's: the build script defines BAREFLOW_LEVELS as its rows.
#pragma once

#include "../../include/llvm_baremetal.h"

#include <string>

namespace bareflow {

struct Level {
  const char *name;
  // What makes its code, by name.
  const char *generator;
  // How hard that tries, as it counts that itself.
  unsigned optimisation;
  // LLVM_LEVEL_...
  unsigned capabilities;

  bool can(unsigned capability) const { return (capabilities & capability) != 0; }
  // Whether its code stays: it leaves for nothing better.
  bool is_last() const { return !can(LLVM_LEVEL_COUNTS); }
};

inline constexpr Level levels[] = {
#define LEVEL(name, generator, optimisation, capabilities)                                          \
  {name, generator, optimisation, capabilities},
    BAREFLOW_LEVELS
#undef LEVEL
};

constexpr unsigned level_count = sizeof levels / sizeof *levels;
static_assert(level_count == LLVM_COUNTING_TIERS,
              "the interpreter and all levels but the last count, which is what limits there are");

inline bool is_level(llvm_level_t level) { return level < level_count; }

// Whether the version of a tier does this; the interpreter's counts and notes.
constexpr bool tier_can(llvm_tier_t tier, unsigned capability) {
  unsigned capabilities = tier == LLVM_TIER_INTERPRETER
                              ? LLVM_LEVEL_COUNTS | LLVM_LEVEL_COUNTS_FLAT_LOOPS | LLVM_LEVEL_NOTES
                              : levels[tier - 1].capabilities;
  return (capabilities & capability) != 0;
}

constexpr llvm_tier_t tier_of(llvm_level_t level) { return 1 + level; }

// What the name of a function's code ends in.
inline std::string suffix_of(llvm_level_t level) { return std::string(".") + levels[level].name; }

// The lowest level that has the capability, for what is compiled once, whatever the policy is.
constexpr llvm_level_t lowest_with(unsigned capability) {
  llvm_level_t level = 0;
  while (level + 1 < level_count && !(levels[level].capabilities & capability))
    ++level;
  return level;
}

} // namespace bareflow
