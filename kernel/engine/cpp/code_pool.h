// The code pool: one region at a fixed address from which JITLink's allocations come.
//
// A page belongs to one protection: small allocations of code share pages, and so do small constants. What is
// linked is put together elsewhere and copied at the end. For that moment the pages are writable and not
// executable, though they may hold code whose frames are on the stack: nothing in the pool runs meanwhile.
// No page is ever writable and executable at once.
#pragma once

#include "../include/llvm_baremetal.h"
#include "free_ranges.h"

#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>
#include <string>
#include <vector>

namespace bareflow {

class CodePool final : public llvm::jitlink::JITLinkMemoryManager {
public:
  // A range of the pool and the protection of its pages; of whole pages it is 0.
  struct Allocation {
    Range range;
    unsigned protection;
    bool is_code() const { return protection & LLVM_PROTECTION_EXECUTE; }
  };
  using Allocations = std::vector<Allocation>;

  explicit CodePool(const llvm_options_t &options);

  void allocate(const llvm::jitlink::JITLinkDylib *library, llvm::jitlink::LinkGraph &graph,
                OnAllocatedFunction on_allocated) override;
  void deallocate(std::vector<FinalizedAlloc> handles,
                  OnDeallocatedFunction on_deallocated) override;

  // What lies in the pool, by address.
  struct Taken {
    Allocation allocation;
    // Of reserved memory: whether it has been made executable.
    bool is_sealed;
  };
  const std::map<uintptr_t, Taken> &taken() const { return allocations_taken; }
  // Notes what another pool of the same place and size has taken, which is there already.
  void adopt(const Allocation &allocation, bool is_sealed);

  // Zeroed writable memory that is never given back.
  llvm::Expected<uintptr_t> reserve(size_t bytes);
  // Makes reserved memory executable and constant.
  llvm::Error seal(uintptr_t address, size_t bytes);

  bool contains(uintptr_t address) const {
    return address >= start && address - start < size;
  }
  // What was taken since the last call of either is kept, or given back.
  void keep_all() { recent.clear(); }
  void give_up();
  // Turns a handle into what it stands for, which only `free` gives back.
  Allocations keep(FinalizedAlloc handle);
  // Nothing may use them any more.
  void free(const Allocations &allocations);

  // Asked to free something when the pool is full, until `has_room` says that it is enough. May be null.
  using Reclaim = void (*)(void *user, llvm::function_ref<bool()> has_room);
  void set_reclaim(Reclaim function, void *user) {
    reclaim = function;
    reclaim_user = user;
  }
  // How much must stay free behind what is taken from now on.
  void set_spare_bytes(size_t bytes) { spare_bytes = bytes; }

  // Whether not even a page can be taken.
  bool is_full() const { return pages.bytes() < spare_bytes + page_bytes; }

  size_t page_size() const { return page_bytes; }
  size_t size_bytes() const { return size; }
  // Of whole pages.
  size_t used_bytes() const { return size - pages.bytes(); }

  // Which functions lie where, for messages.
  void add_symbol(uintptr_t address, size_t symbol_size, llvm::StringRef name);
  struct Symbol {
    size_t size;
    std::string name;
  };
  // The symbol around the address, or null.
  const std::pair<const uintptr_t, Symbol> *find_symbol(uintptr_t address) const;

private:
  class InFlight;

  Range pages_around(Range range) const;
  bool has_room(size_t bytes, size_t alignment, unsigned protection) const;
  llvm::Expected<Allocation> take(size_t bytes, size_t alignment, unsigned protection);
  void give_back(const Allocation &allocation);
  void give_back_pages(Range range);
  llvm::Error write(const Allocation &allocation, const char *contents, size_t content_bytes);
  llvm::Error protect(Range pages, unsigned protection);

  const llvm_options_t &options;
  uintptr_t start;
  size_t size;
  size_t page_bytes;
  size_t spare_bytes = 0;
  Reclaim reclaim = nullptr;
  void *reclaim_user = nullptr;
  FreeRanges pages;
  // What is free within pages that are in use, by their protection.
  std::map<unsigned, FreeRanges> partial;
  std::map<uintptr_t, Symbol> symbols;
  std::map<uintptr_t, Taken> allocations_taken;
  Allocations recent;
};

// Tells a full pool from other errors of linking.
class PoolExhausted : public llvm::ErrorInfo<PoolExhausted> {
public:
  static char ID;
  explicit PoolExhausted(size_t bytes) : bytes(bytes) {}
  void log(llvm::raw_ostream &stream) const override;
  std::error_code convertToErrorCode() const override;

private:
  size_t bytes;
};

} // namespace bareflow
