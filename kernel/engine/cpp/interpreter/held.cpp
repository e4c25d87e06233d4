#include "held.h"

#include "llvm/IR/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace bareflow {
namespace {

constexpr StringRef our_call = "bareflow-call";

// The first and the last call of a block.
struct Calls {
  const Instruction *first = nullptr, *last = nullptr;
};

class HeldFinder {
public:
  HeldFinder(Function &function, bool integers_are_pointers)
      : function(function), integers_are_pointers(integers_are_pointers) {}

  std::vector<Value *> run() {
    for (BasicBlock &block : function)
      for (Instruction &instruction : block)
        if (calls_program(instruction)) {
          Calls &found = calls[&block];
          found.first = found.first ? found.first : &instruction;
          found.last = &instruction;
        }
    if (calls.empty())
      return {};
    std::vector<Value *> held;
    for (Argument &argument : function.args())
      if (is_pointer(argument) && is_held(argument, nullptr))
        held.push_back(&argument);
    for (Instruction &instruction : instructions(function))
      if (is_pointer(instruction) && !isa<AllocaInst>(instruction) && !pointer_of(instruction) &&
          is_held(instruction, &instruction))
        held.push_back(&instruction);
    return held;
  }

private:
  bool is_pointer(const Value &value) const {
    return value.getType()->isPointerTy() ||
           (integers_are_pointers && value.getType()->isIntegerTy(64));
  }

  // The pointer that the instruction computes its own from; or null.
  const Value *pointer_of(const Instruction &instruction) const {
    switch (instruction.getOpcode()) {
    case Instruction::GetElementPtr:
    case Instruction::BitCast:
    case Instruction::PtrToInt:
      return instruction.getOperand(0);
    case Instruction::IntToPtr:
      return integers_are_pointers ? instruction.getOperand(0) : nullptr;
    // Tags in a pointer's lowest bits.
    case Instruction::Add:
    case Instruction::Sub:
    case Instruction::And:
    case Instruction::Or:
    case Instruction::Xor:
      return isa<Constant>(instruction.getOperand(1)) ? instruction.getOperand(0) : nullptr;
    default:
      return nullptr;
    }
  }

  // Uses of the value and of what is computed from it.
  void collect_uses(const Value &value, SmallPtrSetImpl<const Value *> &seen) {
    if (!seen.insert(&value).second)
      return;
    for (const Use &use : value.uses()) {
      uses.push_back(&use);
      auto *user = cast<Instruction>(use.getUser());
      if (pointer_of(*user) == &value)
        collect_uses(*user, seen);
    }
  }

  // Whether a call of `block` behind `start`, or any if it is null, is before `end`, or the block's end.
  bool has_call(const BasicBlock *block, const Instruction *start, const Instruction *end) const {
    auto found = calls.find(block);
    if (found == calls.end())
      return false;
    auto [first, last] = found->second;
    if (!start)
      return !end || first->comesBefore(end);
    if (!end)
      return start->comesBefore(last);
    for (const Instruction *call = start->getNextNode(); call && call != end;
         call = call->getNextNode())
      if (calls_program(*call))
        return true;
    return false;
  }

  bool is_held(const Value &value, const Instruction *defined) {
    uses.clear();
    SmallPtrSet<const Value *, 8> seen;
    collect_uses(value, seen);
    const BasicBlock *home = defined ? defined->getParent() : &function.getEntryBlock();
    SmallPtrSet<const BasicBlock *, 16> live_out;
    SmallVector<const BasicBlock *, 16> open;
    auto live_at_end = [&](const BasicBlock *block) {
      if (live_out.insert(block).second)
        open.push_back(block);
    };
    for (const Use *use : uses) {
      auto *user = cast<Instruction>(use->getUser());
      if (auto *phi = dyn_cast<PHINode>(user)) {
        live_at_end(phi->getIncomingBlock(*use));
        continue;
      }
      const BasicBlock *block = user->getParent();
      bool is_home = block == home;
      if (has_call(block, is_home ? defined : nullptr, user))
        return true;
      if (!is_home)
        for (const BasicBlock *before : predecessors(block))
          live_at_end(before);
    }
    while (!open.empty()) {
      const BasicBlock *block = open.pop_back_val();
      bool is_home = block == home;
      if (has_call(block, is_home ? defined : nullptr, nullptr))
        return true;
      if (!is_home)
        for (const BasicBlock *before : predecessors(block))
          live_at_end(before);
    }
    return false;
  }

  Function &function;
  bool integers_are_pointers;
  DenseMap<const BasicBlock *, Calls> calls;
  std::vector<const Use *> uses;
};

} // namespace

bool calls_program(const Instruction &instruction) {
  auto *call = dyn_cast<CallBase>(&instruction);
  return call && !isa<IntrinsicInst>(call) && !call->getAttributes().hasFnAttr(our_call);
}

void mark_as_ours(CallBase &call) {
  call.addFnAttr(Attribute::get(call.getContext(), our_call));
}

bool makes_pointers_of_integers(const Module &ir) {
  for (const Function &function : ir)
    for (const Instruction &instruction : instructions(function))
      if (isa<IntToPtrInst>(instruction))
        return true;
  return false;
}

std::vector<Value *> find_held(Function &function, bool integers_are_pointers) {
  return HeldFinder(function, integers_are_pointers).run();
}

} // namespace bareflow
