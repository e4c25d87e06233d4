// A program that runs in several tiers at once.
//
// Its units are its functions and the loops in them. Every unit has a slot that holds the address of its
// newest code, and a stub that jumps there: calls go to stubs, so that one store promotes a unit. A loop's
// code is a continuation: a function that takes what is live at the loop's header and runs the rest of the
// function from there (on-stack replacement).
#pragma once

#include "../code_pool.h"
#include "../program.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/BasicBlock.h"
#include "llvm/Transforms/Utils/ValueMapper.h"

#include <deque>

namespace bareflow {

struct Unit {
  uint32_t index;
  // The function as prepared; nothing changes it any more.
  llvm::Function *function;
  // Of a loop: its header, and what is live behind the header's phis; arguments and instructions.
  llvm::BasicBlock *header = nullptr;
  std::vector<llvm::Value *> live;
  // What code for it is called, and the name of its stub.
  std::string symbol;
  // A function's loops.
  std::vector<uint32_t> loops;

  bool is_loop() const { return header; }
  // The type of its code.
  llvm::FunctionType *type() const;
};

// units.cpp: the functions that can be compiled singly, each followed by its loops.
std::vector<Unit> find_units(llvm::Module &ir);

struct CopyProfile;

// The addresses that instrumented code is made with.
struct Counters {
  llvm_unit_t *units = nullptr;
  // Of the copies of unknown size, and which copy has which.
  CopyProfile *copies = nullptr;
  llvm::DenseMap<const llvm::Instruction *, uint32_t> copy_numbers;

  uint64_t field(uint32_t unit, size_t offset) const {
    return reinterpret_cast<uint64_t>(units + unit) + offset;
  }
};

// instrument.cpp: makes `copy`, a clone of the unit's function with `map`, count its calls and iterations,
// and leave for a loop's continuation when the loop is hot. For the version of `tier`.
struct Instrumentation {
  const std::vector<Unit> &units;
  const Counters &counters;
  llvm_tier_t tier;
  // Native code calls these by address, and they keep all registers.
  bool is_native;
};
void count_calls(const Instrumentation &how, const Unit &unit, llvm::Function &copy);
void measure_cycles(const Instrumentation &how, const Unit &unit, llvm::Function &copy);
void count_iterations(const Instrumentation &how, const Unit &function, llvm::Function &copy,
                      llvm::ValueToValueMapTy &map);
// In interpreted code: goes to native code if there is any.
void prefer_native(const Unit &unit, llvm::Function &copy, uint64_t slot, uint64_t no_code);

// copies.cpp: profiles of the program's copies of unknown size; code of a clone that writes them, or that
// makes use of them.
llvm::Error create_copy_profiles(llvm::Module &ir, CodePool &pool, Counters &counters);
void watch_copies(const Counters &counters, llvm::Function &source, llvm::ValueToValueMapTy &map);
void specialise_copies(const Counters &counters, llvm::Function &source,
                       llvm::ValueToValueMapTy &map);

// library.cpp: the C library's definition of what the program declares, if it and what it needs have at most
// so many instructions; or null.
llvm::Function *library_function(llvm_context &context, const llvm::Function &declared,
                                 unsigned most);

// cut.cpp: a module with the unit's code for one level.
std::unique_ptr<llvm::Module> cut_out(llvm_context &context, const std::vector<Unit> &units,
                                      const Counters &counters, const Unit &unit,
                                      llvm_opt_level_t level);
// A module with the program's data, and the functions that exist once.
std::unique_ptr<llvm::Module> cut_out_data(llvm_module &module);

// link.cpp: places objects in the pool and knows where symbols are.
struct Linked {
  // 0 if the object does not define it.
  uintptr_t entry = 0;
  // Of code and constants.
  size_t bytes = 0;
  // What can be freed when no call of it is unfinished.
  CodePool::Pieces pieces;
};
class Linker {
public:
  explicit Linker(llvm_context &context) : context(context) {}
  // Links code for one symbol, which nothing else will refer to; or, without an entry, what the rest of the
  // program refers to.
  llvm::Expected<Linked> link(llvm::MemoryBufferRef object, llvm::StringRef entry = {});
  void define(llvm::StringRef name, uintptr_t address);
  // 0 if nobody defines it.
  uintptr_t find(llvm::StringRef name) const;

private:
  class Link;
  llvm_context &context;
  llvm::StringMap<uintptr_t> symbols;
};

} // namespace bareflow

struct llvm_tiered {
  explicit llvm_tiered(llvm_module &module) : module(module), linker(*module.context) {}

  llvm_module &module;
  llvm_tier_hooks_t hooks{};
  std::vector<bareflow::Unit> units;
  std::vector<std::string> names;
  bareflow::Counters counters;
  bareflow::Linker linker;
  // One word and one stub for each unit, and where a unit without code leads.
  void **slots = nullptr;
  uintptr_t stubs = 0;
  uintptr_t entries = 0;

  // The tier of each unit's newest code, and where the code lies.
  std::vector<llvm_tier_t> tiers;
  std::vector<bareflow::CodePool::Pieces> newest;
  // Older code, the oldest first: calls of it may not have returned yet.
  std::deque<bareflow::CodePool::Pieces> superseded;

  // Whether the program waits for code that it cannot go on without.
  bool is_wanted = false;
  // Whether the last compilation found too little memory.
  bool is_out_of_memory = false;

  uintptr_t no_code(uint32_t unit) const;
  bool has_code(uint32_t unit) const { return tiers[unit] != LLVM_TIER_INTERPRETER; }
};

namespace bareflow {

// stubs.cpp: counters, slots and stubs at the pool's start.
llvm_error_t create_stubs(llvm_tiered &program);
// The unit's newest code; its first if it has none yet. For code that has called a stub.
extern "C" void *bareflow_native_code_of(uint32_t unit);
// The program that runs, for code that comes from stubs and counters.
extern llvm_tiered *running;

// Called by instrumented code.
extern "C" void bareflow_unit_is_hot(uint32_t unit, uint32_t tier);
// Whether the loop has better code than the version that asks.
extern "C" uint32_t bareflow_loop_is_hot(uint32_t unit, uint32_t tier);
extern "C" void bareflow_unit_left(llvm_unit_t *unit, uint64_t cycles_at_entry);
// As above, and keeping all registers.
extern "C" void bareflow_native_unit_is_hot();
extern "C" void bareflow_native_unit_left();

// reclaim.cpp: for CodePool::set_reclaim; frees superseded code that is in no call any more.
void reclaim_code(void *program, llvm::function_ref<bool()> has_room);

// run.cpp: the static constructors, for the first run only.
std::vector<void *> take_constructors(llvm_tiered &program);
// run.cpp: runs main as native code.
llvm_error_t run_tiered_native(llvm_tiered &program, llvm::ArrayRef<void *> arguments,
                               int &status);

// interpreter/interpret_tiered.cpp
llvm_error_t run_tiered_interpreter(llvm_tiered &program, llvm::ArrayRef<void *> arguments,
                                    int &status);

} // namespace bareflow
