// Frames of interpreted calls on the program's stack.
//
// LLVM's interpreter takes variables from malloc and keeps all other values on the heap. Programs look at their own
// stack: they compare addresses on it, measure its depth, and search it for pointers to what is in use. So an
// interpreted function has a frame there, below its caller's and above those of what it calls, as native code has.
// In it are its variables, and the pointers that are needed after a call.
#include "interpret.h"

#include "held.h"
#include "lower.h"

#include "llvm/ADT/SCCIterator.h"
#include "llvm/Analysis/CallGraph.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

extern "C" {
// Where the innermost interpreted frame ends; native code that is called goes on from there.
uintptr_t bareflow_interpreted_stack;
}

namespace bareflow {
namespace {

// The stack above interpreted frames is left to the interpreter itself, whose own calls are never deep.
constexpr size_t interpreter_bytes = 128 << 10;
// Where recursion ends.
uintptr_t lowest_frame;

constexpr uint64_t stack_alignment = 16;
// What lies between a function's caller and its frame address, by the System V convention: the return address and
// the caller's frame address.
constexpr uint64_t linkage_bytes = 16;

// What the interpreter allocates for one call: a context and a map node per value.
uint64_t interpreter_bytes_of(Function &function) {
  constexpr uint64_t context = 400, node = 112;
  uint64_t bytes = context + node * function.arg_size();
  for (Instruction &instruction : instructions(function))
    if (!instruction.getType()->isVoidTy())
      bytes += node;
  return bytes;
}
// So that endless recursion ends before the heap does, a recursive call takes this part of it on the stack.
constexpr uint64_t recursion_part = 8;

bool is_stack_operation(const Instruction &instruction) {
  auto *call = dyn_cast<IntrinsicInst>(&instruction);
  return call && is_frame_intrinsic(call->getIntrinsicID());
}

class Framer {
public:
  Framer(Function &function, bool is_recursive, bool integers_are_pointers)
      : function(function), layout(function.getParent()->getDataLayout()),
        word(Type::getInt64Ty(function.getContext())), byte(Type::getInt8Ty(function.getContext())),
        pointer(PointerType::getUnqual(function.getContext())), is_recursive(is_recursive),
        held(find_held(function, integers_are_pointers)) {}

  void run() {
    for (Instruction &instruction : instructions(function)) {
      if (auto *place = dyn_cast<AllocaInst>(&instruction))
        (place->isStaticAlloca() ? variables : dynamic).push_back(place);
      else if (is_stack_operation(instruction))
        operations.push_back(cast<IntrinsicInst>(&instruction));
    }
    if (variables.empty() && dynamic.empty() && operations.empty() && held.empty() && !is_recursive)
      return;
    lay_out();
    enter(*find_entry());
    place_variables();
    place_held();
    lower_operations();
    for (AllocaInst *place : dynamic)
      allocate(*place);
  }

private:
  Constant *at(uintptr_t &variable) {
    return ConstantExpr::getIntToPtr(
        ConstantInt::get(word, reinterpret_cast<uint64_t>(&variable)), pointer);
  }
  Constant *stack() { return at(bareflow_interpreted_stack); }

  void lay_out() {
    auto take = [&](uint64_t bytes, uint64_t alignment) {
      most_aligned = std::max(most_aligned, alignment);
      used = alignTo(used, alignment);
      offsets.push_back(used);
      used += bytes;
    };
    for (AllocaInst *place : variables)
      take(place->getAllocationSize(layout)->getFixedValue(), place->getAlign().value());
    for (Value *value : held)
      take(layout.getTypeAllocSize(value->getType()), 8);
    if (is_recursive)
      used += interpreter_bytes_of(function) / recursion_part;
    if (!operations.empty())
      used += linkage_bytes;
    used = alignTo(used, stack_alignment);
  }

  // The frame is made no earlier than it is needed, since many calls end before; but once in a call, and so that
  // whoever returns knows whether there is one.
  BasicBlock *find_entry() {
    DominatorTree tree(function);
    BasicBlock *entry = nullptr;
    auto include = [&](BasicBlock *block) {
      if (tree.isReachableFromEntry(block))
        entry = entry ? tree.findNearestCommonDominator(entry, block) : block;
    };
    for (AllocaInst *place : variables)
      for (Use &use : place->uses()) {
        auto *user = cast<Instruction>(use.getUser());
        auto *phi = dyn_cast<PHINode>(user);
        include(phi ? phi->getIncomingBlock(use) : user->getParent());
      }
    for (AllocaInst *place : dynamic)
      include(place->getParent());
    for (IntrinsicInst *operation : operations)
      include(operation->getParent());
    if (is_recursive || !held.empty())
      for (Instruction &instruction : instructions(function))
        if (calls_program(instruction))
          include(instruction.getParent());
    if (!entry)
      return &function.getEntryBlock();
    while (!is_entered_once(tree, entry))
      entry = tree.getNode(entry)->getIDom()->getBlock();
    return entry;
  }

  static bool is_entered_once(const DominatorTree &tree, BasicBlock *entry) {
    SmallPtrSet<BasicBlock *, 32> seen;
    SmallVector<BasicBlock *, 32> open{entry};
    while (!open.empty()) {
      BasicBlock *block = open.pop_back_val();
      if (isa<ReturnInst>(block->getTerminator()) && !tree.dominates(entry, block))
        return false;
      for (BasicBlock *next : successors(block)) {
        if (next == entry)
          return false;
        if (seen.insert(next).second)
          open.push_back(next);
      }
    }
    return true;
  }

  void enter(BasicBlock &block) {
    DominatorTree tree(function);
    for (BasicBlock &other : function)
      if (isa<ReturnInst>(other.getTerminator()) && tree.dominates(&block, &other)) {
        returns.push_back(other.getTerminator());
        // The interpreter has no such calls, and the frame ends in between.
        if (CallInst *last = other.getTerminatingMustTailCall())
          last->setTailCallKind(CallInst::TCK_Tail);
      }

    // Variables are declared at the start of the first block, and are gone afterwards.
    Instruction *place = &*block.getFirstInsertionPt();
    while (isa<AllocaInst>(place))
      place = place->getNextNode();
    entry_place = place;
    IRBuilder<> builder(place);
    before = builder.CreateLoad(word, stack());
    Value *end = builder.CreateSub(before, ConstantInt::get(word, used));
    if (most_aligned > stack_alignment)
      end = builder.CreateAnd(end, ~(most_aligned - 1));
    builder.CreateStore(end, stack());
    if (!variables.empty() || !held.empty())
      frame = builder.CreateIntToPtr(end, pointer);
    for (Instruction *end_of_call : returns)
      new StoreInst(before, stack(), end_of_call);
    if (is_recursive)
      too_deep = builder.CreateICmpULT(end, builder.CreateLoad(word, at(lowest_frame)));
  }

  Value *in_frame(IRBuilder<> &builder, uint64_t offset) {
    return offset ? builder.CreateConstInBoundsGEP1_64(byte, frame, offset) : frame;
  }

  void place_variables() {
    IRBuilder<> builder(entry_place);
    for (size_t index = 0; index < variables.size(); ++index) {
      variables[index]->replaceAllUsesWith(in_frame(builder, offsets[index]));
      variables[index]->eraseFromParent();
    }
  }

  void place_held() {
    DominatorTree tree(function);
    IRBuilder<> builder(entry_place);
    for (size_t index = 0; index < held.size(); ++index) {
      Value *slot = in_frame(builder, offsets[variables.size() + index]);
      auto *defined = dyn_cast<Instruction>(held[index]);
      if (!defined || tree.dominates(defined, entry_place)) {
        builder.CreateStore(held[index], slot);
        continue;
      }
      Instruction *behind = isa<PHINode>(defined) ? &*defined->getParent()->getFirstInsertionPt()
                                                  : defined->getNextNode();
      new StoreInst(defined, slot, behind);
    }
    if (!too_deep)
      return;
    Instruction *overflow = SplitBlockAndInsertIfThen(too_deep, entry_place, /*Unreachable=*/true);
    IRBuilder<> end(overflow);
    call_helper(end, helper::stack_overflow(), end.getVoidTy(), {});
  }

  void lower_operations() {
    for (IntrinsicInst *operation : operations) {
      IRBuilder<> builder(operation);
      Value *result = nullptr;
      switch (operation->getIntrinsicID()) {
      case Intrinsic::stacksave:
        result = builder.CreateIntToPtr(builder.CreateLoad(word, stack()), pointer);
        break;
      case Intrinsic::stackrestore:
        builder.CreateStore(builder.CreatePtrToInt(operation->getArgOperand(0), word), stack());
        break;
      default:
        result = builder.CreateIntToPtr(
            builder.CreateSub(before, ConstantInt::get(word, linkage_bytes)), pointer);
      }
      if (result)
        operation->replaceAllUsesWith(result);
      operation->eraseFromParent();
    }
  }

  void allocate(AllocaInst &place) {
    IRBuilder<> builder(&place);
    Value *count = builder.CreateZExtOrTrunc(place.getArraySize(), word);
    uint64_t size = layout.getTypeAllocSize(place.getAllocatedType());
    Value *end = builder.CreateSub(builder.CreateLoad(word, stack()),
                                   builder.CreateMul(count, ConstantInt::get(word, size)));
    end = builder.CreateAnd(end, ~(std::max(stack_alignment, place.getAlign().value()) - 1));
    builder.CreateStore(end, stack());
    place.replaceAllUsesWith(builder.CreateIntToPtr(end, pointer));
    place.eraseFromParent();
  }

  Function &function;
  const DataLayout &layout;
  Type *word, *byte, *pointer;
  bool is_recursive;
  // Pointers that are needed after a call.
  std::vector<Value *> held;
  std::vector<AllocaInst *> variables, dynamic;
  std::vector<IntrinsicInst *> operations;
  // Of the variables, then of what is held.
  std::vector<uint64_t> offsets;
  uint64_t used = 0, most_aligned = stack_alignment;
  std::vector<Instruction *> returns;
  Instruction *entry_place = nullptr;
  // The stack as the call found it, and the lowest address of the frame.
  Value *before = nullptr, *frame = nullptr;
  Value *too_deep = nullptr;
};

SmallPtrSet<Function *, 16> find_recursive(Module &ir) {
  CallGraph graph(ir);
  SmallPtrSet<Function *, 16> recursive;
  for (auto component = scc_begin(&graph); !component.isAtEnd(); ++component)
    if (component.hasCycle())
      for (CallGraphNode *node : *component)
        recursive.insert(node->getFunction());
  return recursive;
}

} // namespace

bool is_frame_intrinsic(Intrinsic::ID id) {
  return id == Intrinsic::stacksave || id == Intrinsic::stackrestore ||
         id == Intrinsic::frameaddress;
}

void make_frames(Module &interpreted) {
  SmallPtrSet<Function *, 16> recursive = find_recursive(interpreted);
  bool integers_are_pointers = makes_pointers_of_integers(interpreted);
  for (Function &function : interpreted)
    if (!function.isDeclaration())
      Framer(function, recursive.contains(&function), integers_are_pointers).run();
}

void start_frames(uintptr_t stack, size_t most) {
  bareflow_interpreted_stack = alignDown(stack - interpreter_bytes, stack_alignment);
  lowest_frame = bareflow_interpreted_stack - most;
}

} // namespace bareflow
