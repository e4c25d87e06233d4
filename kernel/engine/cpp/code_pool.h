// The code pool: one region at a fixed address from which JITLink's allocations come.
//
// Pages are writable while an object is linked into them, and then get the protection of their
// segment: never writable and executable at once.
#pragma once

#include "../include/llvm_baremetal.h"

#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"

#include <map>
#include <string>
#include <vector>

namespace bareflow {

class CodePool final : public llvm::jitlink::JITLinkMemoryManager {
public:
  explicit CodePool(const llvm_options_t &options);

  void allocate(const llvm::jitlink::JITLinkDylib *library, llvm::jitlink::LinkGraph &graph,
                OnAllocatedFunction on_allocated) override;
  void deallocate(std::vector<FinalizedAlloc> allocations,
                  OnDeallocatedFunction on_deallocated) override;

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
  // Forgets the handle of memory that is never given back singly.
  void keep(FinalizedAlloc allocation);

  size_t page_size() const { return page_bytes; }
  size_t used_bytes() const;

  // Which functions lie where, for messages.
  void add_symbol(uintptr_t address, size_t symbol_size, llvm::StringRef name);
  struct Symbol {
    size_t size;
    std::string name;
  };
  // The symbol around the address, or null.
  const std::pair<const uintptr_t, Symbol> *find_symbol(uintptr_t address) const;

private:
  class Allocation;
  struct Range {
    uintptr_t start;
    size_t size;
  };

  llvm::Expected<Range> take(size_t bytes);
  void give_back(Range range);
  llvm::Error protect(uintptr_t address, size_t bytes, unsigned protection);

  const llvm_options_t &options;
  uintptr_t start;
  size_t size;
  size_t page_bytes;
  // Free ranges by address; neighbours are merged.
  std::map<uintptr_t, size_t> free;
  std::map<uintptr_t, Symbol> symbols;
  std::vector<Range> recent;
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
