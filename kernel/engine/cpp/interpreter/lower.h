// Gives functions the form that LLVM's interpreter can run.
#pragma once

#include "../session.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"

#include <string>

namespace bareflow {

// Rewrites the function. Returns what in it the interpreter cannot run, or "".
std::string make_interpretable(llvm_context &context, llvm::Function &function);

// A value of the type, or memory of it, is something the interpreter handles.
bool is_interpretable(llvm::Type *type);

// lower_intrinsics.cpp: replaces the call. Returns as make_interpretable.
std::string lower_intrinsic(llvm_context &context, llvm::IntrinsicInst &call);

// What frames.cpp lowers, when the function is otherwise complete.
bool is_frame_intrinsic(llvm::Intrinsic::ID id);

// helpers.cpp: a call of a native function of this library, by its address.
llvm::Value *call_helper(llvm::IRBuilderBase &builder, void *helper, llvm::Type *result,
                         llvm::ArrayRef<llvm::Value *> arguments);
namespace helper {
void *count_ones();
void *leading_zeros();
void *trailing_zeros();
void *swap_bytes();
void *reverse_bits();
void *unsigned_to_float();
void *signed_to_float();
void *cycle_counter();
void *trap();
void *stack_overflow();
} // namespace helper

} // namespace bareflow
