#include "interpret.h"
#include "lower.h"

#include "llvm/ADT/SCCIterator.h"
#include "llvm/Analysis/CallGraph.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace bareflow {

static uint64_t used_bytes;

void reset_recursion() { used_bytes = 0; }

// What the interpreter allocates for one call: a context, a map node per value, the local variables.
static uint64_t frame_bytes(Function &function) {
  constexpr uint64_t context = 400, node = 112;
  const DataLayout &layout = function.getParent()->getDataLayout();
  uint64_t bytes = context + node * function.arg_size();
  for (Instruction &instruction : instructions(function)) {
    if (!instruction.getType()->isVoidTy())
      bytes += node;
    if (auto *place = dyn_cast<AllocaInst>(&instruction))
      if (auto size = place->getAllocationSize(layout))
        bytes += size->getFixedValue() + 16;
  }
  return bytes;
}

static void count_frames(Function &function, size_t limit) {
  Type *word = Type::getInt64Ty(function.getContext());
  Constant *bytes = ConstantInt::get(word, frame_bytes(function));
  Constant *counter = ConstantExpr::getIntToPtr(
      ConstantInt::get(word, reinterpret_cast<uint64_t>(&used_bytes)),
      PointerType::getUnqual(function.getContext()));

  for (BasicBlock &block : function)
    if (auto *end = dyn_cast<ReturnInst>(block.getTerminator())) {
      IRBuilder<> builder(end);
      builder.CreateStore(builder.CreateSub(builder.CreateLoad(word, counter), bytes), counter);
    }

  IRBuilder<> builder(&*function.getEntryBlock().getFirstInsertionPt());
  Value *used = builder.CreateAdd(builder.CreateLoad(word, counter), bytes);
  builder.CreateStore(used, counter);
  Value *too_much = builder.CreateICmpUGT(used, ConstantInt::get(word, limit));
  Instruction *overflow =
      SplitBlockAndInsertIfThen(too_much, &*builder.GetInsertPoint(), /*Unreachable=*/true);
  builder.SetInsertPoint(overflow);
  call_helper(builder, helper::stack_overflow(), builder.getVoidTy(), {});
}

void limit_recursion(Module &interpreted, size_t limit) {
  CallGraph graph(interpreted);
  std::vector<Function *> recursive;
  for (auto component = scc_begin(&graph); !component.isAtEnd(); ++component)
    if (component.hasCycle())
      for (CallGraphNode *node : *component)
        if (Function *function = node->getFunction(); function && !function->isDeclaration())
          recursive.push_back(function);
  for (Function *function : recursive)
    count_frames(*function, limit);
}

} // namespace bareflow
