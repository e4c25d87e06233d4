// What a function costs where it is inlined, by instructions, as LLVM's inliner counts: before it was optimised itself.
#include "tiered.h"

#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace bareflow {
namespace {

// LLVM's InlineConstants.
constexpr unsigned each_instruction = 5, each_call = 25;

bool is_free(const Instruction &instruction) {
  if (auto *address = dyn_cast<GetElementPtrInst>(&instruction))
    return address->hasAllConstantIndices();
  if (auto *branch = dyn_cast<BranchInst>(&instruction))
    return branch->isUnconditional();
  if (auto *place = dyn_cast<AllocaInst>(&instruction))
    return place->isStaticAlloca();
  if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
    return call->isAssumeLikeIntrinsic();
  return isa<PHINode, ReturnInst, UnreachableInst, PtrToIntInst, IntToPtrInst, BitCastInst,
             ExtractValueInst, FreezeInst>(instruction);
}

unsigned cost_of_call(size_t arguments) {
  return each_call + each_instruction * static_cast<unsigned>(1 + arguments);
}

// Of a function, without the calls that may come to be its callees' bodies.
unsigned own_cost(const Function &function, SmallVectorImpl<const CallBase *> &calls) {
  unsigned cost = 0;
  for (const Instruction &instruction : instructions(function)) {
    if (is_free(instruction))
      continue;
    auto *call = dyn_cast<CallBase>(&instruction);
    const Function *callee = call ? call->getCalledFunction() : nullptr;
    if (callee && !callee->isIntrinsic())
      calls.push_back(call);
    else if (call && !callee)
      cost += cost_of_call(call->arg_size());
    else if (auto *choice = dyn_cast<SwitchInst>(&instruction))
      cost += each_instruction * choice->getNumCases();
    else
      cost += each_instruction;
  }
  return cost;
}

} // namespace

bool can_be_inlined(const Function &function) {
  return !function.isDeclaration() && !function.isVarArg() && !is_compiled_once(function) &&
         !function.isInterposable() && !function.hasFnAttribute(Attribute::NoInline);
}

// Bottom-up, as the inliner goes: a callee that is small comes along. In a circle, the call that closes it is one.
unsigned InliningCosts::of(const Function &function) {
  if (auto found = known.find(&function); found != known.end())
    return found->second;
  struct Open {
    const Function *function;
    unsigned cost;
    SmallVector<const CallBase *, 8> calls;
  };
  // Not by recursion: chains of calls may be long.
  std::vector<Open> open;
  DenseSet<const Function *> entered;
  auto enter = [&](const Function &next) {
    entered.insert(&next);
    open.push_back({&next, 0, {}});
    open.back().cost = own_cost(next, open.back().calls);
  };
  enter(function);
  while (!open.empty()) {
    Open &last = open.back();
    // What is large by itself is not looked into.
    if (last.calls.empty() || last.cost > most_inlined) {
      for (const CallBase *call : last.calls)
        last.cost += cost_of_call(call->arg_size());
      remember(*last.function, last.cost);
      open.pop_back();
      continue;
    }
    const CallBase &call = *last.calls.back();
    const Function &callee = *call.getCalledFunction();
    auto found = known.find(&callee);
    if (found == known.end() && can_be_inlined(callee) && !entered.contains(&callee)) {
      enter(callee);
      continue;
    }
    unsigned instead = cost_of_call(call.arg_size());
    bool is_inlined = found != known.end() && found->second <= most_inlined + instead;
    last.cost += is_inlined ? found->second : instead;
    last.calls.pop_back();
  }
  return known.lookup(&function);
}

void InliningCosts::remember(const Function &function, unsigned cost) {
  // A compilation that fails puts the compiler's memory back.
  ProgramMemory scope;
  known[&function] = cost;
}

} // namespace bareflow
