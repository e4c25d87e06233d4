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

// Pieces are multiples of it.
constexpr size_t piece_alignment = 16;
constexpr uint8_t int3 = 0xcc;

// What a finalised allocation's handle points at.
struct Finalized {
  CodePool::Pieces pieces;
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

Expected<CodePool::Piece> CodePool::take(size_t bytes, size_t alignment, unsigned protection) {
  ProgramMemory scope;
  bytes = alignTo(bytes, protection ? piece_alignment : page_bytes);
  alignment = std::max(alignment, protection ? piece_alignment : page_bytes);
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
  Piece piece{{*shared.take(bytes, alignment), bytes}, protection};
  recent.push_back(piece);
  pieces_taken[piece.range.start] = {piece, false};
  return piece;
}

void CodePool::adopt(const Piece &piece, bool is_sealed) {
  ProgramMemory scope;
  FreeRanges &shared = partial[piece.protection];
  Range around = pages_around(piece.range);
  for (uintptr_t page = around.start; page < around.end(); page += page_bytes)
    if (pages.contains({page, page_bytes})) {
      pages.remove({page, page_bytes});
      shared.give({page, page_bytes});
    }
  shared.remove(piece.range);
  pieces_taken[piece.range.start] = {piece, is_sealed};
}

void CodePool::give_back_pages(Range range) {
  // Failing to take access away leaves memory unused, nothing worse.
  consumeError(protect(range, 0));
  pages.give(range);
}

void CodePool::give_back(const Piece &piece) {
  if (piece.range.size == 0)
    return;
  ProgramMemory scope;
  llvm::erase_if(recent,
                 [&](const Piece &other) { return other.range.start == piece.range.start; });
  symbols.erase(symbols.lower_bound(piece.range.start), symbols.lower_bound(piece.range.end()));
  pieces_taken.erase(piece.range.start);
  FreeRanges &shared = partial[piece.protection];
  Range unused = shared.give(piece.range);
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
    Piece last = recent.back();
    give_back(last);
  }
}

CodePool::Pieces CodePool::keep(FinalizedAlloc allocation) {
  auto *finalized = allocation.release().toPtr<Finalized *>();
  Pieces pieces = std::move(finalized->pieces);
  delete finalized;
  return pieces;
}

void CodePool::free(const Pieces &pieces) {
  ProgramMemory scope;
  for (const Piece &piece : pieces) {
    // Whoever runs it all the same gets an exception at once.
    if (piece.is_code()) {
      std::vector<char> traps(piece.range.size, static_cast<char>(int3));
      consumeError(write(piece, traps.data(), traps.size()));
    }
    give_back(piece);
  }
}

Error CodePool::write(const Piece &piece, const char *contents, size_t content_bytes) {
  // Whoever ends a compilation that takes too long must not do so in here.
  ProgramMemory scope;
  Range affected = pages_around(piece.range);
  if (Error error = protect(affected, writable)) {
    // Only the pages at the ends may hold something else.
    consumeError(protect({affected.start, page_bytes}, piece.protection));
    consumeError(protect({affected.end() - page_bytes, page_bytes}, piece.protection));
    return error;
  }
  auto *place = reinterpret_cast<char *>(piece.range.start);
  memcpy(place, contents, content_bytes);
  memset(place + content_bytes, 0, piece.range.size - content_bytes);
  return protect(affected, piece.protection);
}

Expected<uintptr_t> CodePool::reserve(size_t bytes) {
  auto piece = take(std::max<size_t>(bytes, 1), page_bytes, 0);
  if (!piece)
    return piece.takeError();
  if (Error error = protect(piece->range, writable)) {
    give_back(*piece);
    return std::move(error);
  }
  memset(reinterpret_cast<void *>(piece->range.start), 0, piece->range.size);
  recent.pop_back();
  return piece->range.start;
}

Error CodePool::seal(uintptr_t address, size_t bytes) {
  pieces_taken[address].is_sealed = true;
  return protect({address, alignTo(std::max<size_t>(bytes, 1), page_bytes)}, executable);
}

class CodePool::Allocation final : public JITLinkMemoryManager::InFlightAlloc {
public:
  Allocation(CodePool &pool, LinkGraph &graph) : pool(pool), graph(graph) {}

  // Finds a place for each segment.
  Error place() {
    BasicLayout layout(graph);
    for (auto &[group, segment] : layout.segments()) {
      size_t bytes = segment.ContentSize + segment.ZeroFillSize;
      unsigned protection = protection_of(group.getMemProt());
      if (bytes == 0)
        continue;
      auto piece = pool.take(bytes, segment.Alignment.value(), protection);
      if (!piece)
        return piece.takeError();
      bool is_temporary = group.getMemLifetime() == orc::MemLifetime::Finalize;
      parts.push_back({*piece, is_temporary, std::vector<char>(segment.ContentSize)});
      segment.Addr = orc::ExecutorAddr(piece->range.start);
      segment.WorkingMem = parts.back().contents.data();
    }
    return layout.apply();
  }

  void finalize(OnFinalizedFunction on_finalized) override {
    for (Part &part : parts)
      if (Error error = pool.write(part.piece, part.contents.data(), part.contents.size())) {
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
        pool.give_back(part.piece);
      else
        finalized->pieces.push_back(part.piece);
    finalized->actions = std::move(*actions);
    on_finalized(FinalizedAlloc(orc::ExecutorAddr::fromPtr(finalized.release())));
  }

  void abandon(OnAbandonedFunction on_abandoned) override {
    release();
    on_abandoned(Error::success());
  }

  void release() {
    for (const Part &part : parts)
      pool.give_back(part.piece);
  }

private:
  struct Part {
    Piece piece;
    bool is_temporary;
    // What will be copied to the piece.
    std::vector<char> contents;
  };

  CodePool &pool;
  LinkGraph &graph;
  std::vector<Part> parts;
};

void CodePool::allocate(const JITLinkDylib *, LinkGraph &graph, OnAllocatedFunction on_allocated) {
  auto allocation = std::make_unique<Allocation>(*this, graph);
  if (Error error = allocation->place()) {
    allocation->release();
    return on_allocated(std::move(error));
  }
  on_allocated(std::move(allocation));
}

void CodePool::deallocate(std::vector<FinalizedAlloc> allocations,
                          OnDeallocatedFunction on_deallocated) {
  Error errors = Error::success();
  for (auto &allocation : reverse(allocations)) {
    std::unique_ptr<Finalized> finalized(allocation.release().toPtr<Finalized *>());
    errors = joinErrors(std::move(errors), orc::shared::runDeallocActions(finalized->actions));
    for (const Piece &piece : finalized->pieces)
      give_back(piece);
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
