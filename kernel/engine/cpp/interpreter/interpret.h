// The interpreter tier: what LLVM's interpreter can run is interpreted, the rest is compiled at O0.
//
// Native code never calls into the interpreter, which is not re-entrant. So every function whose
// address is taken is native, as is everything that a native function calls, and all global data;
// interpreted code sees native addresses only, and calls them through call_native.
#pragma once

#include "native_call.h"

#include "../program.h"

#include "llvm/ADT/StringSet.h"

#include <deque>

namespace llvm {
class ExecutionEngine;
}

namespace bareflow {

// Runs main(argc, argv, environment) in the interpreter.
llvm_error_t run_interpreted_main(llvm_module &module, llvm::ArrayRef<void *> arguments,
                                  int &status);

// A static constructor: native code, unless there is a function that has been made interpretable.
struct Constructor {
  void *native;
  llvm::Function *interpretable = nullptr;
};

// Runs a main that has been made interpretable, with its module, and constructors before it.
// `may_compile`: other functions are compiled meanwhile.
llvm_error_t interpret_main(llvm_context &context, std::unique_ptr<llvm::Module> interpreted,
                            llvm::Function *main, llvm::ArrayRef<Constructor> constructors,
                            llvm::ArrayRef<void *> arguments, bool may_compile, int &status);

// Local variables in memory cost a load or a store at each use; most can be values. In loops, fewer are live then, in
// every tier.
void promote_variables(llvm::Module &ir);

// rewrite.cpp: makes the interpreted clone refer to native code and data by the address that `find` gives.
// `signatures` must live as long as the clone.
using AddressFinder = llvm::function_ref<llvm_error_t(llvm::StringRef name, void *&address)>;
llvm_error_t refer_to_native(llvm_context &context, llvm::Module &interpreted,
                             std::deque<Signature> &signatures, AddressFinder find);

// The last steps of making a clone interpretable: recursion has a limit, native code is referred to as above,
// and the result is checked.
llvm_error_t finish_interpreted(llvm_context &context, llvm::Module &interpreted,
                                std::deque<Signature> &signatures, AddressFinder find);

// frames.cpp: gives functions frames on the program's stack; deep recursion ends as a stack overflow.
void make_frames(llvm::Module &interpreted);
// The stack at which the first frame is made, with the interpreter's own above it, and how many bytes there may be.
void start_frames(uintptr_t stack, size_t most);

// current.cpp: while it lives, the engine is the interpreter that runs the program.
class Interpreting {
public:
  explicit Interpreting(const llvm::ExecutionEngine &engine);
  ~Interpreting();
};
// Says which function is interpreted: "in function 'f' (interpreted)". `stack` is the stack pointer where that is asked
// of an exception, or 0: what interpreted code has called is told from itself by it. Not for exception handlers, since
// the program may have overwritten what is looked at.
void describe_interpreted(uintptr_t stack, char *text, size_t text_size);

} // namespace bareflow
