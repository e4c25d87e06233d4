#include "tiered.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/Analysis/BranchProbabilityInfo.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/Scalar/ADCE.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Utils/Mem2Reg.h"

using namespace llvm;

namespace bareflow {

FunctionType *Unit::type() const {
  if (!is_loop())
    return function->getFunctionType();
  SmallVector<Type *, 16> types;
  for (Value *value : live)
    types.push_back(value->getType());
  return FunctionType::get(function->getReturnType(), types, false);
}

using Blocks = SmallPtrSet<const BasicBlock *, 32>;

static Blocks reachable_from(const BasicBlock *start) {
  Blocks found;
  found.insert(start);
  std::vector<const BasicBlock *> open{start};
  while (!open.empty()) {
    const BasicBlock *block = open.back();
    open.pop_back();
    for (const BasicBlock *next : successors(block))
      if (found.insert(next).second)
        open.push_back(next);
  }
  return found;
}

bool is_stack_mark(const Value &value) {
  SmallPtrSet<const PHINode *, 4> seen;
  SmallVector<const Value *, 4> open{&value};
  while (!open.empty()) {
    const Value *next = open.pop_back_val();
    if (auto *phi = dyn_cast<PHINode>(next)) {
      if (seen.insert(phi).second)
        open.append(phi->op_begin(), phi->op_end());
    } else if (auto *call = dyn_cast<IntrinsicInst>(next);
               !call || call->getIntrinsicID() != Intrinsic::stacksave) {
      return false;
    }
  }
  return true;
}

// A continuation has a frame of its own, on top of the function's, which stays as it is. So it cannot do what asks
// for the function's own frame; that this was done before the loop is no matter. What setjmp has noted is a call that
// has not ended, of the function or of the continuation. Room for variable-length arrays is the continuation's own,
// and marks of the stack are what it makes of them.
static bool can_be_continued(const Instruction &instruction) {
  auto *call = dyn_cast<CallBase>(&instruction);
  if (!call)
    return true;
  if (call->isMustTailCall())
    return false;
  switch (call->getIntrinsicID()) {
  case Intrinsic::vastart:
  case Intrinsic::localescape:
  case Intrinsic::frameaddress:
  case Intrinsic::returnaddress:
  case Intrinsic::addressofreturnaddress:
    return false;
  case Intrinsic::stacksave:
    return all_of(call->users(), [](const User *user) {
      auto *restore = dyn_cast<IntrinsicInst>(user);
      return isa<PHINode>(user) ||
             (restore && restore->getIntrinsicID() == Intrinsic::stackrestore);
    });
  case Intrinsic::stackrestore:
    return is_stack_mark(*call->getArgOperand(0));
  default:
    return true;
  }
}

// What is there behind the header's phis and may be wanted later.
static bool find_live(Function &function, BasicBlock *header, const DominatorTree &tree,
                      const Blocks &later, std::vector<Value *> &live) {
  auto wanted_later = [&](Value &value) {
    return any_of(value.uses(), [&](Use &use) {
      auto *user = cast<Instruction>(use.getUser());
      auto *phi = dyn_cast<PHINode>(user);
      return later.contains(phi ? phi->getIncomingBlock(use) : user->getParent());
    });
  };
  auto add = [&](Value &value) {
    if (!wanted_later(value))
      return true;
    live.push_back(&value);
    return value.getType()->isSized();
  };
  for (Argument &argument : function.args())
    if (!add(argument))
      return false;
  for (BasicBlock &block : function) {
    if (!tree.dominates(&block, header))
      continue;
    for (Instruction &instruction : block) {
      if (&block == header && !isa<PHINode>(instruction))
        break;
      if (!instruction.getType()->isVoidTy() && !add(instruction))
        return false;
    }
  }
  return true;
}

static void add_loops(Function &function, const DominatorTree &tree, std::vector<Unit> &units) {
  LoopInfo loops(tree);
  if (loops.empty())
    return;
  size_t owner = units.size() - 1;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    Unit unit;
    unit.index = units.size();
    unit.function = &function;
    unit.instructions = units[owner].instructions;
    unit.header = loop->getHeader();
    Blocks later = reachable_from(unit.header);
    bool has_continuation = all_of(
        later, [](const BasicBlock *block) { return all_of(*block, can_be_continued); });
    if (!has_continuation || !find_live(function, unit.header, tree, later, unit.live))
      continue;
    unit.symbol =
        (function.getName() + ".loop" + Twine(units[owner].loops.size() + 1)).str();
    units[owner].loops.push_back(unit.index);
    units.push_back(std::move(unit));
  }
}

// Whether many values meet somewhere. In the loop of an interpreter these are most often variables of single cases that
// look as if they lived on, since a case only reads them where it has found out that it wrote them: code at O0 copied
// thirty such values for each instruction of Lua.
static bool is_crowded(const Function &function) {
  constexpr auto many = 8;
  return any_of(function, [](const BasicBlock &block) {
    auto phis = block.phis();
    return std::distance(phis.begin(), phis.end()) > many;
  });
}

std::vector<Unit> find_units(Module &ir, AliasTypes &types) {
  FunctionAnalysisManager analyses;
  PassBuilder().registerFunctionAnalyses(analyses);
  PromotePass promote;
  SimplifyCFGPass thread;
  ADCEPass eliminate;
  std::vector<Unit> units;
  for (Function &function : ir) {
    if (function.isDeclaration())
      continue;
    promote.run(function, analyses);
    if (number_labels(function))
      analyses.clear(function, function.getName());
    if (is_crowded(function)) {
      thread.run(function, analyses);
      analyses.clear(function, function.getName());
      eliminate.run(function, analyses);
      analyses.clear(function, function.getName());
    }
    if (!is_compiled_once(function)) {
      types.take(function);
      Unit unit;
      unit.index = units.size();
      unit.function = &function;
      for (const BasicBlock &block : function)
        unit.instructions += block.size();
      unit.symbol = function.getName().str();
      units.push_back(std::move(unit));
      // Most often promoting has made it, and has left the blocks as they were.
      add_loops(function, analyses.getResult<DominatorTreeAnalysis>(function), units);
    }
    analyses.clear(function, function.getName());
  }
  return units;
}

uint32_t frame_at_o0(const Function &function) {
  const DataLayout &layout = function.getParent()->getDataLayout();
  uint64_t bytes = 0;
  for (const Instruction &instruction : instructions(function)) {
    if (auto *place = dyn_cast<AllocaInst>(&instruction)) {
      if (auto size = place->getAllocationSize(layout))
        bytes += size->getFixedValue();
    } else if (instruction.getType()->isSized() &&
               (isa<PHINode>(instruction) ||
                instruction.isUsedOutsideOfBlock(instruction.getParent()))) {
      bytes += layout.getTypeStoreSize(instruction.getType()).getFixedValue();
    }
  }
  return static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX));
}

// How often direct calls are reached for each entry of the function, each callee once.
static std::vector<LikelyCall> likely_calls(const Function &function,
                                            const BlockFrequencyInfo &frequencies) {
  MapVector<const Function *, double> found;
  double entry = std::max<uint64_t>(frequencies.getBlockFreq(&function.getEntryBlock()).getFrequency(), 1);
  for (const BasicBlock &block : function) {
    double likelihood = double(frequencies.getBlockFreq(&block).getFrequency()) / entry;
    for (const Instruction &instruction : block)
      if (auto *call = dyn_cast<CallBase>(&instruction))
        if (const Function *callee = call->getCalledFunction(); callee && !callee->isDeclaration()) {
          double &most = found[callee];
          most = std::min(std::max(most, likelihood), 1.0);
        }
  }
  std::vector<LikelyCall> calls;
  for (auto &[callee, likelihood] : found)
    calls.push_back({callee, likelihood});
  return calls;
}

// LLVM's guesses of branches weigh what runs: of a switch with a hundred cases, one.
const Sizes::Measured &Sizes::look_at(const std::vector<Unit> &units, uint32_t index) {
  auto known_already = known.find(index);
  if (known_already != known.end())
    return *known_already->second;
  const Unit &owner = units[index];
  Function &function = *owner.function;
  DominatorTree tree(function);
  LoopInfo loops(tree);
  BranchProbabilityInfo branches(function, loops, nullptr, &tree);
  BlockFrequencyInfo frequencies(function, branches, loops);
  // Loops count for themselves; what is in none that does is the function's.
  DenseMap<const Loop *, double> executed{{nullptr, 0}};
  for (uint32_t loop : owner.loops)
    executed[loops.getLoopFor(units[loop].header)] = 0;
  for (BasicBlock &block : function) {
    const Loop *loop = loops.getLoopFor(&block);
    while (!executed.count(loop))
      loop = loop->getParentLoop();
    executed[loop] += double(frequencies.getBlockFreq(&block).getFrequency()) *
                      block.sizeWithoutDebug();
  }
  std::vector<LikelyCall> calls = likely_calls(function, frequencies);
  // A compilation that fails puts the compiler's memory back.
  ProgramMemory scope;
  auto measured = std::make_unique<Measured>();
  measured->calls.assign(calls.begin(), calls.end());
  auto add = [&](const Loop *loop, BasicBlock *start) {
    uint64_t base = std::max<uint64_t>(frequencies.getBlockFreq(start).getFrequency(), 1);
    double each = std::min(executed[loop] / double(base) + 1, double(UINT32_MAX));
    measured->sizes.push_back({owner.instructions, static_cast<uint32_t>(each), loop && is_flat(*loop)});
  };
  add(nullptr, &function.getEntryBlock());
  for (uint32_t loop : owner.loops)
    add(loops.getLoopFor(units[loop].header), units[loop].header);
  return *(known[index] = std::move(measured));
}

llvm_unit_size_t Sizes::of(const std::vector<Unit> &units, uint32_t unit) {
  uint32_t owner = units[unit].owner().index;
  return look_at(units, owner).sizes[unit - owner];
}

const std::vector<LikelyCall> &Sizes::calls_of(const std::vector<Unit> &units, uint32_t function) {
  return look_at(units, function).calls;
}

} // namespace bareflow
