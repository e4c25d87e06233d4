// Which pointers an interpreted call holds while it calls: those are what a search of its stack must find.
#pragma once

#include "llvm/IR/Function.h"
#include "llvm/IR/InstrTypes.h"

#include <vector>

namespace bareflow {

// Whether the instruction calls what may be code of the program.
bool calls_program(const llvm::Instruction &instruction);

// Marks a call of this library's, which the program's code is not reached by, or after which there is no other.
void mark_as_ours(llvm::CallBase &call);

// Whether what is an integer may be a pointer at another time.
bool makes_pointers_of_integers(const llvm::Module &ir);

// Arguments and instructions whose values are needed after such a call; what is computed from a pointer stands for
// the pointer.
std::vector<llvm::Value *> find_held(llvm::Function &function, bool integers_are_pointers);

} // namespace bareflow
