// What a program's unoptimised code notes about itself, for the optimiser: words in the pool, for each function that
// has been compiled at O0 or O1 some. First how often its control flow took those edges that are counted, then of each
// call by address where it led.
#pragma once

#include "../code_pool.h"

#include "llvm/IR/Function.h"
#include "llvm/Transforms/Utils/ValueMapper.h"

#include <map>
#include <vector>

namespace bareflow {

// Where the words of each function are. What they say may be wrong, as the program can write there: it must never
// change what code does.
class Profiles {
public:
  void open(size_t unit_count, bool is_on) {
    own.assign(unit_count, {});
    known = own.data();
    is_switched_on = is_on;
  }
  // From now on a copy of the process sees what is noted, and where: in `table`, which both have. All words lie in
  // memory that is reserved now.
  void share(CodePool &pool, llvm_profile_t *table);
  // In the copy: nothing is made here.
  void only_read() { is_read_only = true; }
  bool is_on() const { return is_switched_on; }
  // Words of an earlier boot that are in the pool already.
  void adopt(uint32_t unit, llvm_profile_t profile) { known[unit] = profile; }
  // Words of an earlier boot.
  void recall(uint32_t unit, llvm::ArrayRef<uint64_t> words);
  // None if there are none, or another number of them.
  llvm::ArrayRef<uint64_t> find(uint32_t unit, size_t count) const;
  // The address of the unit's words, which are made if they are not there; 0 if the pool is full.
  uintptr_t make(CodePool &pool, uint32_t unit, size_t count);
  // In the pool, or what was recalled.
  llvm_profile_t of(uint32_t unit) const;

private:
  bool is_switched_on = false;
  std::vector<llvm_profile_t> own;
  llvm_profile_t *known = nullptr;
  bool is_shared = false, is_read_only = false;
  std::map<uint32_t, std::vector<uint64_t>> earlier;
  // What is left of the memory that was reserved last.
  uintptr_t rest = 0;
  size_t rest_words = 0;
};

// edges.cpp: a function's control flow. With one edge from outside to its entry and one from each end to outside, as
// much comes to a block as leaves it; so the edges of a spanning tree need no counters.
class Flow {
public:
  explicit Flow(llvm::Function &function);

  // Whether all edges can be counted.
  bool is_known() const { return is_countable; }
  size_t counter_count() const { return counters; }
  // Counts in a clone that was made with `map` and not changed yet.
  void count(llvm::ValueToValueMapTy &map, uintptr_t counters) const;

  // From the counters, how often each edge was taken.
  void solve(llvm::ArrayRef<uint64_t> counters);
  // The same for a function without branches.
  void run_straight(uint64_t entries);
  // Afterwards:
  uint64_t entries() const { return edges.front().taken; }
  uint64_t executions(const llvm::BasicBlock *block) const { return executed[numbers.lookup(block)]; }
  // How often the loop was entered.
  uint64_t entries_of_loop(const llvm::BasicBlock *header) const;
  // Of the block that ran most often.
  uint64_t most_executions() const;
  // Of all blocks.
  llvm::ArrayRef<uint64_t> all_executions() const { return llvm::ArrayRef(executed).drop_front(); }
  // Calls `visit` with each edge, blocks by their numbers.
  void visit(llvm::function_ref<void(unsigned from, unsigned to, uint64_t taken)> visit) const {
    for (const Edge &edge : edges)
      visit(edge.from, edge.to, edge.taken);
  }
  // Weighs the branches of a clone that was made with `map`.
  void weigh(llvm::ValueToValueMapTy &map) const;

private:
  // Of several edges between the same blocks, the first successor stands for all.
  struct Edge {
    unsigned from, to;
    unsigned successor;
    // How much it costs to have a counter here: what is worst is on the tree.
    enum { cheap, repeated, critical, outside } cost;
    bool is_counted = false;
    bool is_back = false;
    uint64_t taken = 0;
  };
  void find_edges();
  void choose_tree();

  llvm::Function &function;
  bool is_countable = true;
  // 0 is outside, and the others are in their order.
  std::vector<llvm::BasicBlock *> blocks;
  llvm::DenseMap<const llvm::BasicBlock *, unsigned> numbers;
  // The first leads to the entry; those of one block stand together.
  std::vector<Edge> edges;
  size_t counters = 0;
  std::vector<uint64_t> executed;
};

// targets.cpp: the function's calls by address, in order.
std::vector<llvm::CallBase *> find_calls_by_address(llvm::Function &function);
// What is noted of each.
constexpr size_t words_of_call = 3;
// Notes where the clone's calls lead.
void watch_targets(llvm::ArrayRef<llvm::CallBase *> calls, llvm::ValueToValueMapTy &map,
                   uintptr_t words);
// Calls `visit` for each call with the address of its usual target, how often it led there, and how often it was called.
void visit_targets(llvm::ArrayRef<uint64_t> words,
                   llvm::function_ref<void(uintptr_t address, uint64_t times, uint64_t calls)> visit);
// Calls the usual target of a call directly if it is the one. `find` knows functions by the address and declares them
// where the clone is; it returns null for others.
void promote_targets(llvm::ArrayRef<llvm::CallBase *> calls, llvm::ValueToValueMapTy &map,
                     llvm::ArrayRef<uint64_t> words,
                     llvm::function_ref<llvm::Function *(const llvm::CallBase &, uintptr_t)> find);

} // namespace bareflow
