// What the parts of the library share: the objects behind the opaque handles.
#pragma once

#include "../include/llvm_baremetal.h"
#include "code_pool.h"
#include "codegen/generator.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Transforms/Utils/ValueMapper.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace bareflow {

class Linker;

// A static constructor or destructor, by the name of its function.
struct LifetimeFunction {
  unsigned priority;
  std::string name;
};

} // namespace bareflow

struct llvm_function {
  llvm_module *module;
  std::string name;
  void *address = nullptr;
};

struct llvm_module {
  llvm_module();
  ~llvm_module();

  llvm_context *context = nullptr;
  std::string name;
  std::unique_ptr<llvm::Module> ir;
  // Of native code for the whole module: what was linked, and where it lies in the pool.
  std::unique_ptr<bareflow::Linker> linker;
  bareflow::CodePool::Allocations allocations;
  llvm::StringMap<std::unique_ptr<llvm_function>> functions;

  // Set by prepare(): the IR has been given the form that can be compiled at several levels.
  bool prepared = false;
  // What the module's own assembly defines, and what of the rest it refers to.
  llvm::StringSet<> assembled, wanted_by_assembly;
  bool constructors_ran = false;
  // The IR has become that of the one level that there is.
  bool is_spent = false;
  // The compile that placed the global data; its symbols carry no suffix.
  bool data_placed = false;
  // What a symbol's name ends in at each level; only meaningful where `compiled` is set.
  std::array<std::string, bareflow::level_count> suffix;
  std::array<bool, bareflow::level_count> compiled{};
  // In the order in which they run.
  std::vector<bareflow::LifetimeFunction> constructors, destructors;
};

struct llvm_context {
  llvm_context();
  ~llvm_context();

  llvm_options_t options;
  std::string error;
  bool poisoned = false;
  // The compiler can be put back as it was.
  bool has_checkpoint = false;
  // The first error that LLVM reported through its diagnostic handler since it was last taken.
  std::string diagnostic;
  unsigned unnamed_count = 0;

  llvm::LLVMContext ir;
  std::string data_layout;
  // That the code which stays is for.
  std::string processor;
  std::unique_ptr<llvm::TargetLibraryInfoImpl> library_info;
  std::vector<std::unique_ptr<bareflow::CodeGenerator>> all_generators;
  // Each level's, of these.
  std::array<bareflow::CodeGenerator *, bareflow::level_count> generators{};
  std::unique_ptr<bareflow::CodePool> pool;
  std::vector<std::unique_ptr<llvm_module>> modules;
  // When the optimiser has last been done, for the time that a compilation's steps take.
  uint64_t optimised_at = 0;
  // The C library's functions, once they have been asked for.
  std::unique_ptr<llvm::Module> library;
};

namespace bareflow {

// Sets the error text, on one line, and returns the code.
llvm_error_t fail(llvm_context &context, llvm_error_t code, const llvm::Twine &message);
// As above, with the text of an llvm::Error; a full code pool is told apart.
llvm_error_t fail(llvm_context &context, llvm_error_t code, llvm::Error error);
void note(llvm_context &context, const llvm::Twine &text);
// The reported diagnostic, and forgets it.
std::string take_diagnostic(llvm_context &context);

// context.cpp: whether the address is in code that was compiled for the program, now or in an earlier boot.
bool is_compiled(uintptr_t instruction);
// The address of what a program may call, the library's own definitions first.
void *resolve_symbol(llvm_context &context, llvm::StringRef name);
// context.cpp: where the kernel that code is made for has what this one has at `own`; 0 if it has none.
uintptr_t address_for_code(const llvm_context &context, llvm::StringRef name, uintptr_t own);

// adapt.cpp: changes in what a front end has made for another environment only what this one has not.
void adapt_to_environment(llvm::Module &ir);

// library_functions.cpp: a program's own definitions of the C library's functions, which are not what the
// optimiser knows of those.
void keep_own_library_functions(llvm_context &context, llvm::Module &ir);
// What the optimiser may assume of the C library.
void describe_library(llvm_context &context);

// i128_alignment.cpp: gives what lies in memory the places it had before LLVM 18.
void keep_old_layout(llvm::Module &ir);

// linked.cpp: what a linker does elsewhere. A declared __start_NAME and __stop_NAME become the bounds of what is in the
// section NAME, and an ifunc becomes a function that goes on in the one that its resolver chooses.
void define_section_bounds(llvm::Module &ir);
void resolve_indirect_functions(llvm::Module &ir);

// prepare.cpp
llvm_error_t prepare(llvm_module &module);
// Gives a local definition a name that other compiles can refer to.
void make_external(llvm::GlobalValue &value);
llvm_error_t check_symbols(llvm_module &module);

// level_clones.cpp
// LLVM's CloneModule, which leaves label addresses in initialisers pointing into the original.
std::unique_ptr<llvm::Module> clone(const llvm::Module &ir);
std::unique_ptr<llvm::Module> clone(const llvm::Module &ir, llvm::ValueToValueMapTy &map);
// What `is_defined` says no to is only declared in the clone.
std::unique_ptr<llvm::Module> clone(const llvm::Module &ir, llvm::ValueToValueMapTy &map,
                                    llvm::function_ref<bool(const llvm::GlobalValue *)> is_defined);
// Functions that exist once, as first compiled, and that nothing is added to. Labels whose address is taken stand
// in data, which all levels share. The assembly of a naked function is all of its code. An interrupt handler
// must keep each register, and on its way to it stubs and counters would not.
bool is_compiled_once(const llvm::Function &function);
// A clone that shares the data, the assembly and the function addresses of the first compile.
std::unique_ptr<llvm::Module> clone_for_level(llvm_module &module, llvm::StringRef suffix);

// jit.cpp
void create_pool(llvm_context &context);
llvm_error_t add_object(llvm_module &module, std::unique_ptr<llvm::MemoryBuffer> object);
llvm_error_t compile(llvm_module &module, llvm_level_t level);
// The address of a symbol as first compiled, or of a function as compiled at `level`.
llvm_error_t find_symbol(llvm_module &module, llvm::StringRef symbol, void *&address);
llvm_error_t find_function(llvm_module &module, llvm::StringRef name, llvm_level_t level,
                           void *&address);

// lifetime.cpp: static constructors and destructors.
llvm_error_t collect_lifetime_functions(llvm_module &module);

// One line out of several.
std::string one_line(llvm::StringRef text);

} // namespace bareflow
