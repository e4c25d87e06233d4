#include "code_pool.h"

#include "recovery.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ExecutionEngine/JITLink/JITLink.h"
#include "llvm/Support/raw_ostream.h"

#include <string.h>

using namespace llvm;
using namespace llvm::jitlink;

namespace bareflow {

char PoolExhausted::ID = 0;

void PoolExhausted::log(raw_ostream &stream) const {
  stream << "out of memory: the code pool has no room for " << bytes << " bytes";
}

std::error_code PoolExhausted::convertToErrorCode() const {
  return std::make_error_code(std::errc::not_enough_memory);
}

namespace {

// Allocations are multiples of it.
constexpr size_t allocation_alignment = 16;
constexpr uint8_t int3 = 0xcc;

// What a finalised allocation's handle points at.
struct Finalized {
  CodePool::Allocations allocations;
  std::vector<orc::shared::WrapperFunctionCall> actions;
};

unsigned protection_of(orc::MemProt protection) {
  unsigned bits = 0;
  if ((protection & orc::MemProt::Read) != orc::MemProt::None)
    bits |= LLVM_PROTECTION_READ;
  if ((protection & orc::MemProt::Write) != orc::MemProt::None)
    bits |= LLVM_PROTECTION_WRITE;
  if ((protection & orc::MemProt::Exec) != orc::MemProt::None)
    bits |= LLVM_PROTECTION_EXECUTE;
  return bits;
}

constexpr unsigned writable = LLVM_PROTECTION_READ | LLVM_PROTECTION_WRITE;
constexpr unsigned executable = LLVM_PROTECTION_READ | LLVM_PROTECTION_EXECUTE;

} // namespace

CodePool::CodePool(const llvm_options_t &options)
    : options(options), start(options.pool_address), size(options.pool_size),
      page_bytes(options.page_size) {
  pages.give({start, size});
}

Error CodePool::protect(Range pages, unsigned protection) {
  if (pages.size == 0 ||
      options.protect(options.user, pages.start, pages.size, protection) == 0)
    return Error::success();
  return make_error<PoolExhausted>(pages.size);
}

Range CodePool::pages_around(Range range) const {
  uintptr_t first = alignDown(range.start, page_bytes);
  return {first, alignTo(range.end(), page_bytes) - first};
}

bool CodePool::has_room(size_t bytes, size_t alignment, unsigned protection) const {
  auto shared = partial.find(protection);
  if (shared != partial.end() && shared->second.has_room(bytes, alignment))
    return true;
  size_t whole = alignTo(bytes, page_bytes);
  return pages.has_room(whole, page_bytes) && pages.bytes() - whole >= spare_bytes;
}

Expected<CodePool::Allocation> CodePool::take(size_t bytes, size_t alignment, unsigned protection) {
  ProgramMemory scope;
  bytes = alignTo(bytes, protection ? allocation_alignment : page_bytes);
  alignment = std::max(alignment, protection ? allocation_alignment : page_bytes);
  if (alignment > page_bytes)
    return createStringError(inconvertibleErrorCode(), "an alignment of more than a page");
  auto is_enough = [&] { return has_room(bytes, alignment, protection); };
  if (!is_enough() && reclaim)
    reclaim(reclaim_user, is_enough);
  if (!is_enough())
    return make_error<PoolExhausted>(bytes);
  FreeRanges &shared = partial[protection];
  if (!shared.has_room(bytes, alignment)) {
    size_t whole = alignTo(bytes, page_bytes);
    shared.give({*pages.take(whole, page_bytes), whole});
  }
  Allocation allocation{{*shared.take(bytes, alignment), bytes}, protection};
  recent.push_back(allocation);
  allocations_taken[allocation.range.start] = {allocation, false};
  return allocation;
}

void CodePool::adopt(const Allocation &allocation, bool is_sealed) {
  ProgramMemory scope;
  FreeRanges &shared = partial[allocation.protection];
  Range around = pages_around(allocation.range);
  for (uintptr_t page = around.start; page < around.end(); page += page_bytes)
    if (pages.contains({page, page_bytes})) {
      pages.remove({page, page_bytes});
      shared.give({page, page_bytes});
    }
  shared.remove(allocation.range);
  allocations_taken[allocation.range.start] = {allocation, is_sealed};
}

void CodePool::give_back_pages(Range range) {
  // Failing to take access away leaves memory unused, nothing worse.
  consumeError(protect(range, 0));
  pages.give(range);
}

void CodePool::give_back(const Allocation &allocation) {
  if (allocation.range.size == 0)
    return;
  ProgramMemory scope;
  llvm::erase_if(recent,
                 [&](const Allocation &other) { return other.range.start == allocation.range.start; });
  symbols.erase(symbols.lower_bound(allocation.range.start), symbols.lower_bound(allocation.range.end()));
  allocations_taken.erase(allocation.range.start);
  FreeRanges &shared = partial[allocation.protection];
  Range unused = shared.give(allocation.range);
  Range whole{alignTo(unused.start, page_bytes), 0};
  uintptr_t end = alignDown(unused.end(), page_bytes);
  if (whole.start >= end)
    return;
  whole.size = end - whole.start;
  shared.remove(whole);
  give_back_pages(whole);
}

void CodePool::give_up() {
  while (!recent.empty()) {
    Allocation last = recent.back();
    give_back(last);
  }
}

CodePool::Allocations CodePool::keep(FinalizedAlloc handle) {
  auto *finalized = handle.release().toPtr<Finalized *>();
  Allocations allocations = std::move(finalized->allocations);
  delete finalized;
  return allocations;
}

void CodePool::free(const Allocations &allocations) {
  ProgramMemory scope;
  for (const Allocation &allocation : allocations) {
    // Whoever runs it all the same gets an exception at once.
    if (allocation.is_code()) {
      std::vector<char> traps(allocation.range.size, static_cast<char>(int3));
      consumeError(write(allocation, traps.data(), traps.size()));
    }
    give_back(allocation);
  }
}

Error CodePool::write(const Allocation &allocation, const char *contents, size_t content_bytes) {
  // Whoever ends a compilation that takes too long must not do so in here.
  ProgramMemory scope;
  Range affected = pages_around(allocation.range);
  if (Error error = protect(affected, writable)) {
    // Only the pages at the ends may hold something else.
    consumeError(protect({affected.start, page_bytes}, allocation.protection));
    consumeError(protect({affected.end() - page_bytes, page_bytes}, allocation.protection));
    return error;
  }
  auto *place = reinterpret_cast<char *>(allocation.range.start);
  memcpy(place, contents, content_bytes);
  memset(place + content_bytes, 0, allocation.range.size - content_bytes);
  return protect(affected, allocation.protection);
}

Expected<uintptr_t> CodePool::reserve(size_t bytes) {
  auto allocation = take(std::max<size_t>(bytes, 1), page_bytes, 0);
  if (!allocation)
    return allocation.takeError();
  if (Error error = protect(allocation->range, writable)) {
    give_back(*allocation);
    return std::move(error);
  }
  memset(reinterpret_cast<void *>(allocation->range.start), 0, allocation->range.size);
  recent.pop_back();
  return allocation->range.start;
}

Error CodePool::seal(uintptr_t address, size_t bytes) {
  allocations_taken[address].is_sealed = true;
  return protect({address, alignTo(std::max<size_t>(bytes, 1), page_bytes)}, executable);
}

class CodePool::InFlight final : public JITLinkMemoryManager::InFlightAlloc {
public:
  InFlight(CodePool &pool, LinkGraph &graph) : pool(pool), graph(graph) {}

  // Finds a place for each segment.
  Error place() {
    BasicLayout layout(graph);
    for (auto &[group, segment] : layout.segments()) {
      size_t bytes = segment.ContentSize + segment.ZeroFillSize;
      unsigned protection = protection_of(group.getMemProt());
      if (bytes == 0)
        continue;
      auto allocation = pool.take(bytes, segment.Alignment.value(), protection);
      if (!allocation)
        return allocation.takeError();
      bool is_temporary = group.getMemLifetime() == orc::MemLifetime::Finalize;
      parts.push_back({*allocation, is_temporary, std::vector<char>(segment.ContentSize)});
      segment.Addr = orc::ExecutorAddr(allocation->range.start);
      segment.WorkingMem = parts.back().contents.data();
    }
    return layout.apply();
  }

  void finalize(OnFinalizedFunction on_finalized) override {
    for (Part &part : parts)
      if (Error error = pool.write(part.allocation, part.contents.data(), part.contents.size())) {
        release();
        return on_finalized(std::move(error));
      }
    auto actions = orc::shared::runFinalizeActions(graph.allocActions());
    if (!actions) {
      release();
      return on_finalized(actions.takeError());
    }
    auto finalized = std::make_unique<Finalized>();
    for (Part &part : parts)
      if (part.is_temporary)
        pool.give_back(part.allocation);
      else
        finalized->allocations.push_back(part.allocation);
    finalized->actions = std::move(*actions);
    on_finalized(FinalizedAlloc(orc::ExecutorAddr::fromPtr(finalized.release())));
  }

  void abandon(OnAbandonedFunction on_abandoned) override {
    release();
    on_abandoned(Error::success());
  }

  void release() {
    for (const Part &part : parts)
      pool.give_back(part.allocation);
  }

private:
  struct Part {
    Allocation allocation;
    bool is_temporary;
    // What will be copied to the allocation.
    std::vector<char> contents;
  };

  CodePool &pool;
  LinkGraph &graph;
  std::vector<Part> parts;
};

void CodePool::allocate(const JITLinkDylib *, LinkGraph &graph, OnAllocatedFunction on_allocated) {
  auto in_flight = std::make_unique<InFlight>(*this, graph);
  if (Error error = in_flight->place()) {
    in_flight->release();
    return on_allocated(std::move(error));
  }
  on_allocated(std::move(in_flight));
}

void CodePool::deallocate(std::vector<FinalizedAlloc> handles,
                          OnDeallocatedFunction on_deallocated) {
  Error errors = Error::success();
  for (auto &handle : reverse(handles)) {
    std::unique_ptr<Finalized> finalized(handle.release().toPtr<Finalized *>());
    errors = joinErrors(std::move(errors), orc::shared::runDeallocActions(finalized->actions));
    for (const Allocation &allocation : finalized->allocations)
      give_back(allocation);
  }
  on_deallocated(std::move(errors));
}

void CodePool::add_symbol(uintptr_t address, size_t symbol_size, StringRef name) {
  ProgramMemory scope;
  symbols[address] = {symbol_size, name.str()};
}

const std::pair<const uintptr_t, CodePool::Symbol> *CodePool::find_symbol(uintptr_t address) const {
  auto next = symbols.upper_bound(address);
  if (next == symbols.begin())
    return nullptr;
  auto &found = *std::prev(next);
  return address - found.first < std::max<size_t>(found.second.size, 1) ? &found : nullptr;
}

} // namespace bareflow
