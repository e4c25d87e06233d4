// Free ranges of addresses, the lowest first; neighbours are merged.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <optional>

namespace bareflow {

struct Range {
  uintptr_t start;
  size_t size;
  uintptr_t end() const { return start + size; }
};

class FreeRanges {
public:
  // The lowest place for that many bytes at a multiple of `alignment`, a power of two.
  std::optional<uintptr_t> take(size_t bytes, size_t alignment);
  bool has_room(size_t bytes, size_t alignment) const;
  // Returns the free range around it.
  Range give(Range range);
  // Whether all of it is free.
  bool contains(Range part) const;
  // Takes out a part of a free range.
  void remove(Range part);
  size_t bytes() const { return total; }

private:
  using Map = std::map<uintptr_t, size_t>;
  Map::const_iterator find_room(size_t bytes, size_t alignment) const;

  Map ranges;
  size_t total = 0;
};

} // namespace bareflow
