// A program that runs in several tiers at once.
//
// Its units are its functions and the loops in them. Every unit has a slot that holds the address of its
// newest code, and a stub that jumps there: calls go to stubs, so that one store promotes a unit. A loop's
// code is a continuation: a function that takes what is live at the loop's header and runs the rest of the
// function from there (on-stack replacement).
#pragma once

#include "../code_pool.h"
#include "../codegen/generator.h"
#include "../program.h"
#include "profiles.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Analysis/LoopInfo.h"
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
  // Of its function's IR.
  uint32_t instructions = 0;
  // What code for it is called, and the name of its stub.
  std::string symbol;
  // A function's loops.
  std::vector<uint32_t> loops;

  bool is_loop() const { return header; }
  // A loop's function, which stands before its loops among all units; a function itself.
  const Unit &owner() const {
    const Unit *unit = this;
    while (unit->is_loop())
      --unit;
    return *unit;
  }
  // The type of its code.
  llvm::FunctionType *type() const;
};

// labels.cpp: makes a function with computed goto one that can be a unit. Whether it was one.
bool number_labels(llvm::Function &function);
// labels.cpp: whether the function has had such jumps. LLVM's interpreter tries one case of a switch after the other:
// it starts as native code.
bool has_numbered_labels(const llvm::Function &function);

// alias_types.cpp: what instructions of the program's functions say of their types, which clones for O1 and above get
// back.
class AliasTypes {
public:
  void take(llvm::Function &function);
  // To a clone of the function, made with `map`.
  void give(const llvm::Function &function, llvm::ValueToValueMapTy &map) const;

private:
  struct Type {
    llvm::Instruction *instruction;
    unsigned kind;
    // Of the context, which keeps it.
    llvm::MDNode *node;
  };
  llvm::DenseMap<const llvm::Function *, std::vector<Type>> taken;
};

// units.cpp: gives the variables of functions registers, and finds the functions that can be compiled singly, each
// followed by its loops.
std::vector<Unit> find_units(llvm::Module &ir, AliasTypes &types);
// units.cpp: whether the value is always what llvm.stacksave has returned.
bool is_stack_mark(const llvm::Value &value);
// units.cpp: about how many bytes of the stack a call takes at O0, where variables that lie on the stack share no place,
// and what is used in another block has a place of its own.
uint32_t frame_at_o0(const llvm::Function &function);
// A direct call, and how often it is reached for each entry of the function that it stands in, at most 1.
struct LikelyCall {
  const llvm::Function *callee;
  double likelihood;
};
// units.cpp: how large units are, and what functions call. A function is looked at once, with all of its loops.
class Sizes {
public:
  llvm_unit_size_t of(const std::vector<Unit> &units, uint32_t unit);
  const std::vector<LikelyCall> &calls_of(const std::vector<Unit> &units, uint32_t function);

private:
  struct Measured {
    // Of the function, and of its loops.
    std::vector<llvm_unit_size_t> sizes;
    std::vector<LikelyCall> calls;
  };
  const Measured &look_at(const std::vector<Unit> &units, uint32_t function);

  // By functions. A compilation that fails puts the compiler's memory back, and this is not in it.
  llvm::DenseMap<uint32_t, std::unique_ptr<Measured>> known;
};

// successors.cpp: see llvm_tiered_successors.
std::vector<llvm_successor_t> find_successors(const llvm_tiered &program, const Unit &unit,
                                              size_t most);

// inlining_costs.cpp: whether the function's body may stand in another's.
bool can_be_inlined(const llvm::Function &function);
// inlining_costs.cpp: what functions cost where they are inlined, each with what the inliner would have put into it
// before. Functions are offered for inlining as they came, and are then inlined from the top down: by what they cost
// by themselves, a small function would come with all that it ever calls.
class InliningCosts {
public:
  unsigned of(const llvm::Function &function);
  // What LLVM inlines at most, where nothing is known of a call.
  static constexpr unsigned most_inlined = 250;

private:
  void remember(const llvm::Function &function, unsigned cost);

  llvm::DenseMap<const llvm::Function *, unsigned> known;
};

struct CopyProfile;

// The addresses that instrumented code is made with.
struct Counters {
  llvm_unit_t *units = nullptr;
  // Of the copies of unknown size, and which copy has which.
  CopyProfile *copies = nullptr;
  llvm::DenseMap<const llvm::Instruction *, uint32_t> copy_numbers;
  // What is noted of control flow and targets, and which unit a function is.
  Profiles *profiles = nullptr;
  llvm::DenseMap<const llvm::Function *, uint32_t> functions;
  uintptr_t stubs = 0;

  uint64_t field(uint32_t unit, size_t offset) const {
    return reinterpret_cast<uint64_t>(units + unit) + offset;
  }
};

// instrument.cpp: makes `copy`, a clone of the unit's function with `map`, count its calls and iterations,
// and leave for a loop's continuation when the loop is hot. For the version of `tier`.
struct Instrumentation {
  const llvm_context &context;
  const std::vector<Unit> &units;
  const Counters &counters;
  llvm_tier_t tier;
  // Native code calls these by address, and they keep all registers.
  bool is_native;
};
// A loop without calls and other loops. When it has been optimised it does not count: it is fast because nothing stands
// in it.
bool is_flat(const llvm::Loop &loop);
void count_calls(const Instrumentation &how, const Unit &unit, llvm::Function &copy);
void measure_cycles(const Instrumentation &how, const Unit &unit, llvm::Function &copy);
void count_iterations(const Instrumentation &how, const Unit &function, llvm::Function &copy,
                      llvm::ValueToValueMapTy &map);
// In interpreted code: goes to native code if there is any.
void prefer_native(const Unit &unit, llvm::Function &copy, uint64_t slot, uint64_t no_code);

// mem_op_profile.cpp: profiles of the program's copies of unknown size; code of a clone that writes them, or that
// makes use of them.
void number_copies(llvm::Module &ir, Counters &counters);
llvm::Error create_copy_profiles(CodePool &pool, Counters &counters);
void watch_copies(const Counters &counters, llvm::Function &source, llvm::ValueToValueMapTy &map);
void specialise_copies(const Counters &counters, llvm::Function &source,
                       llvm::ValueToValueMapTy &map);

// guide.cpp: makes a clone of the unit's function note its control flow and where its calls by address lead.
void note_profile(CodePool &pool, const Counters &counters, uint32_t unit,
                  llvm::Function &source, llvm::ValueToValueMapTy &map);

// guide.cpp: what was noted, for the code of one unit and the bodies that come along with it.
class Guide {
public:
  // `declare` declares a function of the program where the code is.
  Guide(const std::vector<Unit> &units, const Counters &counters,
        llvm::function_ref<llvm::Function *(llvm::Function &)> declare);
  // Tells a clone that was made with `map` and not changed yet what is known of it. It is entered `heat` times for each
  // entry of the unit, whose own clone is the first. Whether anything is known.
  bool guide(llvm::Function &source, llvm::ValueToValueMapTy &map, llvm::Function &copy, double heat,
             const Unit *loop = nullptr);
  // How often the function is called directly for each entry of the unit, so far as is known.
  double heat_of(const llvm::Function &callee) const { return heats.lookup(&callee); }
  // Says what is often in a module whose unit alone has been guided.
  void summarise(llvm::Module &module);
  // Whether the inliner will take calls of the function to be often or seldom by that.
  enum class Calls { usual, often, seldom };
  Calls calls_of(const llvm::Function &callee) const;

private:
  bool guide_by_profile(uint32_t unit, llvm::Function &source, llvm::ValueToValueMapTy &map,
                        llvm::Function &copy, const Unit *loop, double heat);
  void add_callees(const llvm::Instruction &instruction, double heat);
  void add_callee(const llvm::Function &callee, double heat);

  const std::vector<Unit> &units;
  const Counters &counters;
  llvm::function_ref<llvm::Function *(llvm::Function &)> declare;
  llvm::DenseMap<const llvm::Function *, double> heats;
  // Of the clone that was guided last: its entries, and how often each block ran.
  std::vector<uint64_t> executions;
  // What the summary says, of a unit that has one.
  struct Often {
    uint64_t entries, least, seldom;
  };
  std::optional<Often> often;
};

// library.cpp: the C library's definition of what the program declares, if it and what it needs have at most
// so many instructions; or null.
llvm::Function *library_function(llvm_context &context, const llvm::Function &declared,
                                 unsigned most);

// library.cpp: reads the C library, whose variables the linker tells from its functions.
void open_library(llvm_context &context);

// partition.cpp: a module with the code of some units for one level; where that optimises, of one.
std::unique_ptr<llvm::Module> cut_out(llvm_context &context, const std::vector<Unit> &units,
                                      const AliasTypes &types, InliningCosts &costs,
                                      const Counters &counters, llvm::ArrayRef<uint32_t> wanted,
                                      llvm_level_t level);
// partition.cpp: what the unit's code for the level is called.
std::string code_name(const Unit &unit, llvm_level_t level);
// A module with the program's data, and the functions that exist once.
std::unique_ptr<llvm::Module> cut_out_data(llvm_module &module);

// link.cpp: places objects in the pool and knows where symbols are.
struct Linked {
  // An entry, which is 0 if the object does not define it, and how large its code is.
  struct Entry {
    uintptr_t address = 0;
    size_t bytes = 0;
  };
  std::vector<Entry> entries;
  // Of code and constants, in all.
  size_t bytes = 0;
  // What can be freed when no call of it is unfinished.
  CodePool::Allocations allocations;
};
// imports.cpp: functions from outside the program. Code calls each through a stub and a word of its own, so that
// whoever maps the code again only fills the words in.
class Imports {
public:
  explicit Imports(const llvm_context &context) : context(context), pool(*context.pool) {}
  // The stub of the function at `address`; `address` itself if the pool is full.
  uintptr_t stub_of(llvm::StringRef name, uintptr_t address);
  // Notes a page, and a word in one, that an earlier program has made.
  void adopt_page(uintptr_t words, uintptr_t stubs) { pages.push_back({words, stubs}); }
  void adopt(llvm::StringRef name, uintptr_t word);
  // The page of words and the page of stubs that belong together.
  struct Page {
    uintptr_t words;
    uintptr_t stubs;
  };
  const std::vector<Page> &all_pages() const { return pages; }
  const llvm::StringMap<uintptr_t> &all_words() const { return words; }

private:
  llvm::Error add_page();
  uintptr_t stub_of_word(uintptr_t word) const;

  const llvm_context &context;
  CodePool &pool;
  std::vector<Page> pages;
  llvm::StringMap<uintptr_t> words;
};

class Linker {
public:
  // With import stubs, code can be kept and mapped again.
  Linker(llvm_module &module, bool has_import_stubs)
      : module(module), context(*module.context), has_import_stubs(has_import_stubs),
        imports(context) {}
  // Links code for some symbols, which nothing else will refer to; or, without entries, what the rest of the
  // program refers to.
  llvm::Expected<Linked> link(llvm::MemoryBufferRef object,
                              llvm::ArrayRef<std::string> entries = {});
  void define(llvm::StringRef name, uintptr_t address);
  // 0 if nobody defines it.
  uintptr_t find(llvm::StringRef name);
  const llvm::StringMap<uintptr_t> &all_symbols() const { return symbols; }
  Imports &all_imports() { return imports; }

private:
  class Link;
  bool is_variable(llvm::StringRef name) const;

  llvm_module &module;
  llvm_context &context;
  bool has_import_stubs;
  Imports imports;
  llvm::StringMap<uintptr_t> symbols;
};

// What compiles a program's units.
struct Compiler {
  explicit Compiler(llvm_module &module) : module(module), linker(module, /*has_import_stubs=*/true) {}
  // Takes the program's counters, once its units are known.
  void use(llvm_tiered &program);

  llvm_module &module;
  std::vector<Unit> units;
  AliasTypes types;
  Sizes sizes;
  InliningCosts inlining_costs;
  Counters counters;
  Linker linker;
  // Where each unit's newest code lies; null where that is not known. Units that were compiled together share it.
  std::vector<std::shared_ptr<CodePool::Allocations>> newest;
  // Older code, the oldest first: calls of it may not have returned yet.
  std::deque<CodePool::Allocations> superseded;
  // What the program's variables lie in.
  std::vector<uintptr_t> data;
};

} // namespace bareflow

// While a program that was restored runs, nothing of LLVM is touched until something must be compiled.
struct llvm_tiered {
  llvm_tier_hooks_t hooks{};
  uint32_t unit_count = 0;
  // The counters, and one word and one stub for each unit; and where a unit without code leads.
  llvm_unit_t *counters = nullptr;
  void **slots = nullptr;
  uintptr_t stubs = 0;
  uintptr_t entries = 0;
  // The tier of each unit's newest code, and what its slot must hold.
  std::vector<llvm_tier_t> tiers;
  bareflow::Profiles profiles;
  std::vector<uintptr_t> code;

  uintptr_t main = 0;
  bool main_returns = true;
  std::vector<void *> constructors, destructors;
  bool constructors_ran = false;

  // Null as long as a restored program has not needed it.
  std::unique_ptr<bareflow::Compiler> compiler;
  // Of a restored program: its functions, by address, for messages.
  const llvm_code_symbol_t *symbols = nullptr;
  size_t symbol_count = 0;

  // Whether the program waits for code that it cannot go on without.
  bool is_wanted = false;
  // Why the last compilation failed.
  llvm_error_t error = LLVM_OK;
  std::string message;

  // From the address of the counters and of the stubs.
  void lay_out(uintptr_t data, uintptr_t code);
  uintptr_t stub(uint32_t unit) const;
  uintptr_t no_code(uint32_t unit) const;
  bool has_code(uint32_t unit) const { return tiers[unit] != LLVM_TIER_INTERPRETER; }
};

namespace bareflow {

// stubs.cpp: where the kernel that code is made for has this function of the library.
uintptr_t helper_for_code(const llvm_context &context, const char *name, void *own);
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
// When a call of the unit began, for bareflow_unit_left; 0 if it is not timed, odd if it stands for 16 calls.
extern "C" uint64_t bareflow_moment(llvm_unit_t *unit);
extern "C" void bareflow_unit_left(llvm_unit_t *unit, uint64_t entry);
// As above, and keeping all registers; of cpp/arch.
extern "C" void bareflow_native_unit_is_hot();
extern "C" void bareflow_native_unit_left();
extern "C" void bareflow_native_moment();
// Of cpp/arch, too: from a unit's entry, with its number and a caller's arguments in all registers, to its native code,
// which bareflow_native_code_of finds.
extern "C" void bareflow_enter_unit();

// contents.cpp: the function around the address, in a program that runs without a context; or null.
const llvm_code_symbol_t *find_restored_symbol(uintptr_t address);

// reclaim.cpp: for CodePool::set_reclaim; frees superseded code that is in no call any more.
void reclaim_code(void *program, llvm::function_ref<bool()> has_room);

// run.cpp: the static constructors, for the first run only.
std::vector<void *> take_constructors(llvm_tiered &program);
// run.cpp: runs main as native code. `text` says what went wrong.
llvm_error_t run_tiered_native(llvm_tiered &program, llvm::ArrayRef<void *> arguments, int &status,
                               std::string &text);
// run.cpp: as above, when failed compilations are to leave no trace.
llvm_error_t run_compiled(llvm_tiered &program, llvm::ArrayRef<void *> arguments, int &status);
// run.cpp: gives the module the form that units are cut out of.
llvm_error_t open_module(Compiler &compiler);

// interpreter/interpret_tiered.cpp
llvm_error_t run_tiered_interpreter(llvm_tiered &program, llvm::ArrayRef<void *> arguments,
                                    int &status);

} // namespace bareflow
