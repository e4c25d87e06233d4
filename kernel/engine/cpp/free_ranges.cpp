#include "free_ranges.h"

#include "llvm/Support/Alignment.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace bareflow {

FreeRanges::Map::const_iterator FreeRanges::find_room(size_t bytes, size_t alignment) const {
  auto entry = ranges.begin();
  while (entry != ranges.end()) {
    size_t padding = offsetToAlignment(entry->first, Align(alignment));
    if (padding <= entry->second && entry->second - padding >= bytes)
      break;
    ++entry;
  }
  return entry;
}

bool FreeRanges::has_room(size_t bytes, size_t alignment) const {
  return find_room(bytes, alignment) != ranges.end();
}

std::optional<uintptr_t> FreeRanges::take(size_t bytes, size_t alignment) {
  auto entry = find_room(bytes, alignment);
  if (entry == ranges.end())
    return std::nullopt;
  uintptr_t start = alignTo(entry->first, Align(alignment));
  remove({start, bytes});
  return start;
}

Range FreeRanges::give(Range range) {
  total += range.size;
  auto next = ranges.lower_bound(range.start);
  if (next != ranges.end() && range.end() == next->first) {
    range.size += next->second;
    next = ranges.erase(next);
  }
  if (next != ranges.begin()) {
    auto previous = std::prev(next);
    if (previous->first + previous->second == range.start) {
      range = {previous->first, previous->second + range.size};
      previous->second = range.size;
      return range;
    }
  }
  ranges[range.start] = range.size;
  return range;
}

bool FreeRanges::contains(Range part) const {
  auto next = ranges.upper_bound(part.start);
  if (next == ranges.begin())
    return false;
  auto around = std::prev(next);
  return part.end() <= around->first + around->second;
}

void FreeRanges::remove(Range part) {
  auto around = std::prev(ranges.upper_bound(part.start));
  Range whole{around->first, around->second};
  total -= part.size;
  if (whole.start < part.start)
    around->second = part.start - whole.start;
  else
    ranges.erase(around);
  if (part.end() < whole.end())
    ranges[part.end()] = whole.end() - part.end();
}

} // namespace bareflow
