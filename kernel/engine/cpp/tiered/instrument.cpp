#include "tiered.h"

#include "../interpreter/held.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

#include <stddef.h>

using namespace llvm;

namespace bareflow {
namespace {

Constant *address(IRBuilderBase &builder, uint64_t value) {
  return ConstantExpr::getIntToPtr(builder.getInt64(value), builder.getPtrTy());
}

// Behind what must stay in the entry block.
Instruction *first_place(Function &function) {
  BasicBlock::iterator place = function.getEntryBlock().begin();
  while (isa<AllocaInst>(*place))
    ++place;
  return &*place;
}

// Increments the unit's counter; returns whether it has reached the version's limit.
Value *count(IRBuilderBase &builder, const Instrumentation &how, uint32_t unit) {
  Type *word = builder.getInt64Ty();
  size_t limit = offsetof(llvm_unit_t, limits) + how.tier * sizeof(uint64_t);
  Constant *counter = address(builder, how.counters.field(unit, offsetof(llvm_unit_t, count)));
  Value *counted = builder.CreateAdd(builder.CreateLoad(word, counter), builder.getInt64(1));
  builder.CreateStore(counted, counter);
  Value *most =
      builder.CreateLoad(word, address(builder, how.counters.field(unit, limit)));
  return builder.CreateICmpUGE(counted, most);
}

MDNode *unlikely(LLVMContext &context) {
  return MDBuilder(context).createBranchWeights(1, 1 << 20);
}

// Whether FastISel, which knows neither rare calling conventions nor rare intrinsics, makes the code: what it does
// not know takes several times as long to compile.
bool is_selected_fast(const Instrumentation &how) {
  return how.is_native && !tier_can(how.tier, LLVM_LEVEL_OPTIMISES);
}

// A function of this library, by the name that kernels know it by.
struct Helper {
  const char *name;
  void *address;
};
#define HELPER(function) Helper{#function, reinterpret_cast<void *>(function)}

// Interpreted code is for this kernel.
Constant *address(IRBuilderBase &builder, const Instrumentation &how, const Helper &helper) {
  return address(builder, how.is_native
                              ? helper_for_code(how.context, helper.name, helper.address)
                              : reinterpret_cast<uintptr_t>(helper.address));
}

Value *call(IRBuilderBase &builder, const Instrumentation &how, const Helper &native,
            const Helper &other, Type *result, ArrayRef<Value *> arguments) {
  SmallVector<Type *, 4> types;
  for (Value *argument : arguments)
    types.push_back(argument->getType());
  auto *type = FunctionType::get(result, types, false);
  CallInst *made = builder.CreateCall(
      type, address(builder, how, how.is_native ? native : other), arguments);
  if (how.is_native && !is_selected_fast(how))
    made->setCallingConv(CallingConv::PreserveAll);
  mark_as_ours(*made);
  return made;
}

// Before `rest`: if the loop is hot and has better code, that code does the rest of the function.
void continue_elsewhere(const Instrumentation &how, const Unit &loop, Function &copy,
                        ValueToValueMapTy &map, Value *is_hot, Instruction *rest) {
  BasicBlock *before = rest->getParent();
  BasicBlock *after = before->splitBasicBlock(rest);
  BasicBlock *ask = BasicBlock::Create(copy.getContext(), "", &copy, after);
  BasicBlock *leave = BasicBlock::Create(copy.getContext(), "", &copy, after);
  before->getTerminator()->eraseFromParent();
  IRBuilder<>(before).CreateCondBr(is_hot, ask, after, unlikely(copy.getContext()));

  IRBuilder<> builder(ask);
  auto *type = FunctionType::get(builder.getInt32Ty(),
                                 {builder.getInt32Ty(), builder.getInt32Ty()}, false);
  CallInst *better = builder.CreateCall(
      type, address(builder, how, HELPER(bareflow_loop_is_hot)),
      {builder.getInt32(loop.index), builder.getInt32(how.tier)});
  mark_as_ours(*better);
  builder.CreateCondBr(builder.CreateICmpNE(better, builder.getInt32(0)), leave, after);

  builder.SetInsertPoint(leave);
  FunctionCallee continuation =
      copy.getParent()->getOrInsertFunction(loop.symbol, loop.type());
  auto *declared = cast<Function>(continuation.getCallee());
  declared->setDSOLocal(true);
  SmallVector<Value *, 16> values;
  for (Value *value : loop.live)
    values.push_back(map.lookup(value));
  CallInst *result = builder.CreateCall(continuation, values);
  // This frame has what the rest of the function points to.
  result->setTailCallKind(CallInst::TCK_NoTail);
  mark_as_ours(*result);
  for (auto kind : {Attribute::ZExt, Attribute::SExt})
    if (loop.function->hasRetAttribute(kind)) {
      result->addRetAttr(kind);
      declared->addRetAttr(kind);
    }
  if (copy.getReturnType()->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(result);
}

} // namespace

void count_calls(const Instrumentation &how, const Unit &unit, Function &copy) {
  IRBuilder<> builder(first_place(copy));
  Value *is_hot = count(builder, how, unit.index);
  Instruction *hot = SplitBlockAndInsertIfThen(is_hot, &*builder.GetInsertPoint(),
                                               /*Unreachable=*/false, unlikely(copy.getContext()));
  builder.SetInsertPoint(hot);
  call(builder, how, HELPER(bareflow_native_unit_is_hot), HELPER(bareflow_unit_is_hot),
       builder.getVoidTy(), {builder.getInt32(unit.index), builder.getInt32(how.tier)});
}

void measure_cycles(const Instrumentation &how, const Unit &unit, Function &copy) {
  IRBuilder<> builder(first_place(copy));
  Constant *counters = address(builder, how.counters.field(unit.index, 0));
  Value *start = call(builder, how, HELPER(bareflow_native_moment),
                      HELPER(bareflow_moment), builder.getInt64Ty(), counters);
  for (BasicBlock &block : copy)
    if (auto *end = dyn_cast<ReturnInst>(block.getTerminator())) {
      // Nothing may stand between a call that must be the last one and the return.
      if (block.getTerminatingMustTailCall())
        continue;
      builder.SetInsertPoint(end);
      call(builder, how, HELPER(bareflow_native_unit_left), HELPER(bareflow_unit_left),
           builder.getVoidTy(), {counters, start});
    }
}

bool is_flat(const Loop &loop) {
  return loop.isInnermost() &&
         none_of(loop.blocks(), [](BasicBlock *block) { return any_of(*block, calls_program); });
}

void count_iterations(const Instrumentation &how, const Unit &function, Function &copy,
                      ValueToValueMapTy &map) {
  bool is_optimised = !tier_can(how.tier, LLVM_LEVEL_COUNTS_FLAT_LOOPS);
  // An interpreter would leave with all that lives in it: compiling that takes twice as long.
  if (function.loops.empty() || (is_optimised && has_numbered_labels(*function.function)))
    return;
  std::optional<DominatorTree> tree;
  std::optional<LoopInfo> loops;
  if (is_optimised) {
    tree.emplace(*function.function);
    loops.emplace(*tree);
  }
  for (uint32_t index : function.loops) {
    const Unit &loop = how.units[index];
    if (loops && is_flat(*loops->getLoopFor(loop.header)))
      continue;
    auto *header = cast<BasicBlock>(map.lookup(loop.header));
    Instruction *rest = &*header->getFirstInsertionPt();
    IRBuilder<> builder(rest);
    Value *is_hot = count(builder, how, index);
    continue_elsewhere(how, loop, copy, map, is_hot, rest);
  }
}

void prefer_native(const Unit &unit, Function &copy, uint64_t slot, uint64_t no_code) {
  Instruction *place = first_place(copy);
  IRBuilder<> builder(place);
  Value *code = builder.CreateLoad(builder.getPtrTy(), address(builder, slot));
  Value *is_native = builder.CreateICmpNE(code, address(builder, no_code));
  Instruction *native = SplitBlockAndInsertIfThen(is_native, place, /*Unreachable=*/true);
  builder.SetInsertPoint(native);
  SmallVector<Value *, 8> arguments;
  for (Argument &argument : copy.args())
    arguments.push_back(&argument);
  CallInst *result = builder.CreateCall(copy.getFunctionType(), code, arguments);
  result->setAttributes(copy.getAttributes());
  mark_as_ours(*result);
  if (copy.getReturnType()->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(result);
  native->eraseFromParent();
}

} // namespace bareflow
