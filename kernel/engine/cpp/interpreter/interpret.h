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

namespace bareflow {

// Runs main(argc, argv, environment) in the interpreter.
llvm_error_t run_interpreted_main(llvm_module &module, llvm::ArrayRef<void *> arguments,
                                  int &status);

// rewrite.cpp: makes the interpreted clone refer to native code and data by address. `signatures`
// must live as long as the clone.
llvm_error_t refer_to_native(llvm_module &module, llvm::Module &interpreted,
                             std::deque<Signature> &signatures);

// stack_limit.cpp: makes recursion count the bytes of its frames, and end as a stack overflow.
void limit_recursion(llvm::Module &interpreted, size_t limit);
void reset_recursion();

} // namespace bareflow
