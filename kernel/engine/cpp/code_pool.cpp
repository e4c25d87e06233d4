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

// What a finalised allocation's handle points at.
struct Finalized {
  uintptr_t start;
  size_t size;
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

} // namespace

CodePool::CodePool(const llvm_options_t &options)
    : options(options), start(options.pool_address), size(options.pool_size),
      page_bytes(options.page_size) {
  free[start] = size;
}

Error CodePool::protect(uintptr_t address, size_t bytes, unsigned protection) {
  if (bytes == 0 || options.protect(options.user, address, bytes, protection) == 0)
    return Error::success();
  return make_error<PoolExhausted>(bytes);
}

Expected<CodePool::Range> CodePool::take(size_t bytes) {
  ProgramMemory scope;
  for (auto entry = free.begin(); entry != free.end(); ++entry) {
    auto [address, available] = *entry;
    if (available < bytes)
      continue;
    free.erase(entry);
    if (available > bytes)
      free[address + bytes] = available - bytes;
    Range range{address, bytes};
    if (Error error = protect(address, bytes, LLVM_PROTECTION_READ | LLVM_PROTECTION_WRITE)) {
      give_back(range);
      return std::move(error);
    }
    memset(reinterpret_cast<void *>(address), 0, bytes);
    recent.push_back(range);
    return range;
  }
  return make_error<PoolExhausted>(bytes);
}

void CodePool::give_back(Range range) {
  if (range.size == 0)
    return;
  ProgramMemory scope;
  llvm::erase_if(recent, [&](const Range &other) { return other.start == range.start; });
  symbols.erase(symbols.lower_bound(range.start), symbols.lower_bound(range.start + range.size));
  // Failing to take access away leaves memory unused, nothing worse.
  consumeError(protect(range.start, range.size, 0));
  auto next = free.lower_bound(range.start);
  if (next != free.end() && range.start + range.size == next->first) {
    range.size += next->second;
    next = free.erase(next);
  }
  if (next != free.begin()) {
    auto previous = std::prev(next);
    if (previous->first + previous->second == range.start) {
      previous->second += range.size;
      return;
    }
  }
  free[range.start] = range.size;
}

void CodePool::give_up() {
  while (!recent.empty())
    give_back(recent.back());
}

void CodePool::keep(FinalizedAlloc allocation) {
  delete allocation.release().toPtr<Finalized *>();
}

size_t CodePool::used_bytes() const {
  size_t unused = 0;
  for (auto &[address, bytes] : free)
    unused += bytes;
  return size - unused;
}

Expected<uintptr_t> CodePool::reserve(size_t bytes) {
  auto range = take(alignTo(std::max<size_t>(bytes, 1), page_bytes));
  if (!range)
    return range.takeError();
  return range->start;
}

Error CodePool::seal(uintptr_t address, size_t bytes) {
  return protect(address, alignTo(std::max<size_t>(bytes, 1), page_bytes),
                 LLVM_PROTECTION_READ | LLVM_PROTECTION_EXECUTE);
}

class CodePool::Allocation final : public JITLinkMemoryManager::InFlightAlloc {
public:
  Allocation(CodePool &pool, LinkGraph &graph, BasicLayout layout, Range standard, Range temporary)
      : pool(pool), graph(graph), layout(std::move(layout)), standard(standard),
        temporary(temporary) {}

  void finalize(OnFinalizedFunction on_finalized) override {
    for (auto &[group, segment] : layout.segments()) {
      // Addr has moved on to the segment's end by now; WorkingMem is still where it starts.
      auto address = reinterpret_cast<uintptr_t>(segment.WorkingMem);
      size_t bytes = alignTo(segment.ContentSize + segment.ZeroFillSize, pool.page_bytes);
      if (Error error = pool.protect(address, bytes, protection_of(group.getMemProt()))) {
        release();
        return on_finalized(std::move(error));
      }
    }
    auto actions = orc::shared::runFinalizeActions(graph.allocActions());
    if (!actions) {
      release();
      return on_finalized(actions.takeError());
    }
    pool.give_back(temporary);
    auto *finalized = new Finalized{standard.start, standard.size, std::move(*actions)};
    on_finalized(FinalizedAlloc(orc::ExecutorAddr::fromPtr(finalized)));
  }

  void abandon(OnAbandonedFunction on_abandoned) override {
    release();
    on_abandoned(Error::success());
  }

private:
  void release() {
    pool.give_back(temporary);
    pool.give_back(standard);
  }

  CodePool &pool;
  LinkGraph &graph;
  BasicLayout layout;
  Range standard, temporary;
};

void CodePool::allocate(const JITLinkDylib *, LinkGraph &graph, OnAllocatedFunction on_allocated) {
  BasicLayout layout(graph);
  auto sizes = layout.getContiguousPageBasedLayoutSizes(page_bytes);
  if (!sizes)
    return on_allocated(sizes.takeError());

  Range standard{0, 0}, temporary{0, 0};
  auto reserve = [&](uint64_t bytes, Range &range) -> Error {
    if (bytes == 0)
      return Error::success();
    auto taken = take(bytes);
    if (!taken)
      return taken.takeError();
    range = *taken;
    return Error::success();
  };
  Error error = reserve(sizes->StandardSegs, standard);
  if (!error)
    error = reserve(sizes->FinalizeSegs, temporary);
  if (error) {
    give_back(standard);
    return on_allocated(std::move(error));
  }

  uintptr_t next_standard = standard.start, next_temporary = temporary.start;
  for (auto &[group, segment] : layout.segments()) {
    uintptr_t &next = group.getMemLifetime() == orc::MemLifetime::Standard ? next_standard
                                                                          : next_temporary;
    segment.Addr = orc::ExecutorAddr(next);
    segment.WorkingMem = reinterpret_cast<char *>(next);
    next += alignTo(segment.ContentSize + segment.ZeroFillSize, page_bytes);
  }
  if (Error failed = layout.apply()) {
    give_back(temporary);
    give_back(standard);
    return on_allocated(std::move(failed));
  }
  on_allocated(
      std::make_unique<Allocation>(*this, graph, std::move(layout), standard, temporary));
}

void CodePool::deallocate(std::vector<FinalizedAlloc> allocations,
                          OnDeallocatedFunction on_deallocated) {
  Error errors = Error::success();
  for (auto &allocation : reverse(allocations)) {
    std::unique_ptr<Finalized> finalized(allocation.release().toPtr<Finalized *>());
    errors = joinErrors(std::move(errors), orc::shared::runDeallocActions(finalized->actions));
    give_back({finalized->start, finalized->size});
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
