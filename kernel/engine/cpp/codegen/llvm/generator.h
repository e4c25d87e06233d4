// LLVM as a code generator: its passes for the level, and its code generator for the target.
#pragma once

#include "../generator.h"

#include "llvm/Target/TargetMachine.h"

namespace bareflow {

// In the table of levels.
constexpr const char *llvm_generator_name = "llvm";

// Null if LLVM has no such target; the context then says why.
std::unique_ptr<CodeGenerator> create_llvm_generator(llvm_context &context);

// fast_selection.cpp: gives the module, whose code will be made without optimising, a form that is selected fast.
void prepare_for_fast_selection(llvm::Module &ir);

// pipeline.cpp: LLVM's passes for a level.
void optimise(llvm_context &context, llvm::TargetMachine &machine, llvm::Module &ir,
              unsigned optimisation);
// pipeline.cpp: sets what has no other interface. It is for all of LLVM, and so for each module anew.
void set_option(llvm::StringRef name, llvm::StringRef value);
// pipeline.cpp: whether there is something that code cannot be made of without passes.
bool needs_passes(const llvm::Module &ir);

} // namespace bareflow
