// Small modules cut out of the program, one for each compilation.
#include "tiered.h"

#include "llvm/Analysis/CaptureTracking.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include "llvm/Transforms/Utils/SSAUpdater.h"

using namespace llvm;

namespace bareflow {
namespace {

// What the bodies that are given for inlining may have in all, in instructions, and how large one may be.
// Before the last level, in code that is there for a while, only what costs little.
constexpr unsigned inlining_budget = 4000, inlining_budget_before = 400;
constexpr unsigned largest_inlined = 600, largest_inlined_before = 100;
// Constants that are given for folding, in bytes.
constexpr uint64_t largest_folded = 4096;

// Declares in the new module what the cloned code refers to, as it is met.
class Declarer final : public ValueMaterializer {
public:
  Declarer(llvm_context &context, Module &target) : context(context), target(target) {}

  Value *materialize(Value *value) override {
    auto known = globals.find(value);
    if (known != globals.end())
      return known->second;
    if (auto *variable = dyn_cast<GlobalVariable>(value))
      return declare(*variable);
    if (auto *function = dyn_cast<Function>(value))
      return declare(*function);
    return nullptr;
  }

  llvm_context &context;
  Module &target;
  // By their originals in the program.
  DenseMap<const Value *, Value *> globals;
  std::vector<std::pair<GlobalVariable *, GlobalVariable *>> variables;
  std::vector<std::pair<Function *, Function *>> functions;

private:
  Value *known_by_name(const GlobalValue &value) {
    Value *known = value.hasLocalLinkage() ? nullptr : target.getNamedValue(value.getName());
    if (known)
      globals[&value] = known;
    return known;
  }

  static void settle(const GlobalValue &source, GlobalValue &declared) {
    if (source.hasExternalWeakLinkage())
      declared.setLinkage(GlobalValue::ExternalWeakLinkage);
    declared.setDSOLocal(true);
  }

  Value *declare(GlobalVariable &variable) {
    // The program and the C library may both have declared it.
    if (Value *known = known_by_name(variable))
      return known;
    auto *declared = new GlobalVariable(target, variable.getValueType(), variable.isConstant(),
                                        GlobalValue::ExternalLinkage, nullptr, variable.getName());
    declared->copyAttributesFrom(&variable);
    settle(variable, *declared);
    variables.push_back({&variable, declared});
    return globals[&variable] = declared;
  }

  Value *declare(Function &function) {
    if (Value *known = known_by_name(function))
      return known;
    auto *declared =
        Function::Create(function.getFunctionType(), GlobalValue::ExternalLinkage,
                         function.getAddressSpace(), function.getName(), &target);
    declared->copyAttributesFrom(&function);
    declared->setPersonalityFn(nullptr);
    if (!function.isIntrinsic())
      settle(function, *declared);
    functions.push_back({&function, declared});
    return globals[&function] = declared;
  }
};

void clone_body(Function &target, Function &source, ValueToValueMapTy &map, Declarer &declarer) {
  SmallVector<ReturnInst *, 4> returns;
  CloneFunctionInto(&target, &source, map, CloneFunctionChangeType::DifferentModule, returns, "",
                    nullptr, nullptr, &declarer);
}

void clone_whole(Function &target, Function &source, ValueToValueMapTy &map, Declarer &declarer) {
  auto argument = target.arg_begin();
  for (Argument &original : source.args())
    map[&original] = &*argument++;
  clone_body(target, source, map, declarer);
}

// What the inliner takes at most of a function that is called so; LLVM's thresholds.
unsigned most_inlined(Guide::Calls calls) {
  switch (calls) {
  case Guide::Calls::often:
    return 3000;
  case Guide::Calls::usual:
    return InliningCosts::most_inlined;
  case Guide::Calls::seldom:
    return 45;
  }
  llvm_unreachable("there are no other calls");
}

// The body that may stand in the code, or null.
Function *body_of(Function &callee, Declarer &declarer, InliningCosts &costs,
                  const Level &level, unsigned most, Guide::Calls calls) {
  if (callee.isDeclaration())
    return !level.can(LLVM_LEVEL_INLINES) || callee.isIntrinsic() ||
                   callee.hasFnAttribute(Attribute::NoInline)
               ? nullptr
               : library_function(declarer.context, callee, most);
  if (!can_be_inlined(callee))
    return nullptr;
  if (callee.hasFnAttribute(Attribute::AlwaysInline))
    return &callee;
  if (!level.can(LLVM_LEVEL_INLINES) || callee.getInstructionCount() > most)
    return nullptr;
  return calls == Guide::Calls::often || costs.of(callee) <= most_inlined(calls) ? &callee
                                                                                 : nullptr;
}

// Gives the bodies of callees for inlining: those that are called most often first, and of others the nearest.
void offer_bodies(function_ref<bool(const Function &)> is_wanted, const AliasTypes &types, InliningCosts &costs,
                  const Counters &counters, Declarer &declarer, Guide &guide,
                  const Level &level) {
  bool inlines = level.can(LLVM_LEVEL_INLINES);
  unsigned budget = level.is_last() ? inlining_budget : inlining_budget_before;
  unsigned largest = level.is_last() ? largest_inlined : largest_inlined_before;
  // What only the C library can see comes with what needs it.
  auto is_needed = [](const Function &source) {
    return source.hasLocalLinkage() || source.hasFnAttribute(Attribute::AlwaysInline);
  };
  // A body may bring further callees.
  std::vector<bool> is_done;
  for (;;) {
    is_done.resize(declarer.functions.size());
    std::optional<size_t> next;
    double most = 0;
    for (size_t index = 0; index < is_done.size(); ++index) {
      const Function &source = *declarer.functions[index].first;
      double heat = !inlines || is_needed(source) ? std::numeric_limits<double>::max()
                                                  : guide.heat_of(source);
      if (!is_done[index] && heat > most) {
        next = index;
        most = heat;
      }
    }
    if (!next)
      return;
    is_done[*next] = true;
    auto [source, declared] = declarer.functions[*next];
    bool is_part = source->hasLocalLinkage();
    if (is_wanted(*source) || source->isVarArg())
      continue;
    Function *body = is_part ? source
                             : body_of(*source, declarer, costs, level, std::min(largest, budget),
                                       guide.calls_of(*source));
    if (!body)
      continue;
    budget -= std::min(budget, body->getInstructionCount());
    ValueToValueMapTy map;
    clone_whole(*declared, *body, map, declarer);
    if (level.can(LLVM_LEVEL_OPTIMISES))
      types.give(*body, map);
    if (inlines) {
      guide.guide(*body, map, *declared, guide.heat_of(*source));
      specialise_copies(counters, *body, map);
    }
    declared->setVisibility(GlobalValue::DefaultVisibility);
    declared->setLinkage(is_part ? GlobalValue::InternalLinkage
                                 : GlobalValue::AvailableExternallyLinkage);
  }
}

void offer_constants(Declarer &declarer) {
  const DataLayout &layout = declarer.target.getDataLayout();
  ValueToValueMapTy map;
  // An initialiser may bring further variables.
  for (size_t next = 0; next < declarer.variables.size(); ++next) {
    auto [source, declared] = declarer.variables[next];
    bool is_part = source->hasLocalLinkage();
    if (!source->isConstant() || !source->hasInitializer() || source->isInterposable() ||
        (!is_part && layout.getTypeAllocSize(source->getValueType()) > largest_folded))
      continue;
    declared->setInitializer(
        MapValue(source->getInitializer(), map, RF_None, nullptr, &declarer));
    declared->setLinkage(is_part ? GlobalValue::InternalLinkage
                                 : GlobalValue::AvailableExternallyLinkage);
  }
}

// A loop in another one gets a copy that only the first entry runs, and that leaves into the rest. So the loop
// itself is still entered from before only, and is optimised as it would be in the function. Returns the
// copy's header; `map` leads from the loop to it.
BasicBlock *separate_first_run(Function &copy, BasicBlock *header, ValueToValueMapTy &map) {
  DominatorTree tree(copy);
  LoopInfo loops(tree);
  Loop *loop = loops.getLoopFor(header);
  if (!loop || !loop->getParentLoop())
    return header;
  // What is used behind the loop is a phi there.
  formLCSSA(*loop, tree, &loops, nullptr);
  // What does not alias within one run of the body may do so between two.
  SmallVector<MDNode *, 4> scopes;
  identifyNoAliasScopesToClone(loop->getBlocks(), scopes);
  SmallVector<BasicBlock *, 16> first;
  for (BasicBlock *block : loop->blocks()) {
    BasicBlock *clone = CloneBasicBlock(block, map, "", &copy);
    map[block] = clone;
    first.push_back(clone);
  }
  remapInstructionsInBlocks(first, map);
  cloneAndAdaptNoAliasScopes(scopes, first, copy.getContext(), "first");

  SmallVector<BasicBlock *, 8> exits;
  loop->getUniqueExitBlocks(exits);
  for (BasicBlock *exit : exits)
    for (PHINode &phi : exit->phis())
      for (unsigned index = 0, count = phi.getNumIncomingValues(); index < count; ++index) {
        if (!loop->contains(phi.getIncomingBlock(index)))
          continue;
        Value *value = phi.getIncomingValue(index);
        Value *mapped = map.lookup(value);
        phi.addIncoming(mapped ? mapped : value,
                        cast<BasicBlock>(map.lookup(phi.getIncomingBlock(index))));
      }
  auto *first_header = cast<BasicBlock>(map.lookup(header));
  for (BasicBlock *before : predecessors(header))
    if (!loop->contains(before))
      for (PHINode &phi : first_header->phis())
        phi.removeIncomingValue(before, /*DeletePHIIfEmpty=*/false);
  return first_header;
}

// What is live becomes the arguments; the code before the header remains only as far as the loop is part
// of an outer one.
void enter_at_header(const Unit &loop, Function &copy, ValueToValueMapTy &map,
                     const Level &level) {
  auto *header = cast<BasicBlock>(map.lookup(loop.header));
  ValueToValueMapTy first;
  // An interpreter's loop is large, and jumps as well if its header is entered from wherever.
  if (level.can(LLVM_LEVEL_INLINES) && !has_numbered_labels(*loop.function))
    header = separate_first_run(copy, header, first);
  BasicBlock *entry =
      BasicBlock::Create(copy.getContext(), "", &copy, &copy.getEntryBlock());
  IRBuilder<>(entry).CreateBr(header);
  for (PHINode &phi : header->phis())
    phi.addIncoming(PoisonValue::get(phi.getType()), entry);

  // What a variable-length array has had of the stack is the function's; what is freed here is what was allocated here.
  Value *mark = nullptr;
  auto own_mark = [&] {
    if (!mark)
      mark = IRBuilder<>(entry->getTerminator()).CreateStackSave();
    return mark;
  };
  auto argument = copy.arg_begin();
  for (Value *value : loop.live) {
    Argument &argument_given = *argument++;
    auto *defined = dyn_cast<Instruction>(map.lookup(value));
    if (!defined)
      continue; // An argument of the function: mapped to ours already.
    Value *given = is_stack_mark(*value) ? own_mark() : &argument_given;
    Value *of_first_run = first.lookup(defined);
    auto *phi = dyn_cast<PHINode>(of_first_run ? of_first_run : defined);
    if (phi && phi->getParent() == header) {
      phi->setIncomingValueForBlock(entry, given);
      continue;
    }
    SSAUpdater updater;
    updater.Initialize(defined->getType(), "");
    updater.AddAvailableValue(entry, given);
    updater.AddAvailableValue(defined->getParent(), defined);
    SmallVector<Use *, 16> uses;
    for (Use &use : defined->uses())
      uses.push_back(&use);
    for (Use *use : uses) {
      auto *user = cast<Instruction>(use->getUser());
      if (!isa<PHINode>(user) && user->getParent() == defined->getParent())
        continue;
      updater.RewriteUse(*use);
    }
  }
  removeUnreachableBlocks(copy);
  // The lifetimes of the caller's variables are the caller's business.
  for (Instruction &instruction : make_early_inc_range(instructions(copy)))
    if (auto *lifetime = dyn_cast<LifetimeIntrinsic>(&instruction);
        lifetime && !isa<AllocaInst>(lifetime->getArgOperand(1)->stripPointerCasts()))
      lifetime->eraseFromParent();
}

// The last code that a function will have calls itself without its stub. Its address is the stub's, there too.
void call_itself(Function &copy, const Function &source) {
  Function *stub = copy.getParent()->getFunction(source.getName());
  if (!stub)
    return;
  stub->replaceUsesWithIf(&copy, [&](Use &use) {
    auto *call = dyn_cast<CallBase>(use.getUser());
    return call && call->isCallee(&use) && call->getFunctionType() == copy.getFunctionType();
  });
}

// Whether another argument may lead to the same place: what was computed from the address before the loop is one.
bool is_address_given_again(const Value &address, const SmallPtrSetImpl<const Value *> &given,
                            SmallPtrSetImpl<const Value *> &seen) {
  return any_of(address.users(), [&](const User *user) {
    if (!user->getType()->isPtrOrPtrVectorTy() || isa<LoadInst>(user) || !seen.insert(user).second)
      return false;
    return given.contains(user) || is_address_given_again(*user, given, seen);
  });
}

// What is known of the arguments of a continuation.
void describe_arguments(const Unit &loop, Function &copy) {
  const DataLayout &layout = copy.getParent()->getDataLayout();
  SmallPtrSet<const Value *, 16> live(loop.live.begin(), loop.live.end());
  auto argument = copy.arg_begin();
  for (Value *value : loop.live) {
    Argument &given = *argument++;
    auto *place = dyn_cast<AllocaInst>(value);
    if (!place)
      continue;
    AttrBuilder attributes(copy.getContext());
    attributes.addAlignmentAttr(place->getAlign());
    if (auto size = place->getAllocationSize(layout))
      attributes.addDereferenceableAttr(size->getFixedValue());
    // Nobody else has its address.
    SmallPtrSet<const Value *, 16> seen;
    if (!PointerMayBeCaptured(place, /*ReturnCaptures=*/true, /*StoreCaptures=*/true) &&
        !is_address_given_again(*place, live, seen))
      attributes.addAttribute(Attribute::NoAlias);
    given.addAttrs(attributes);
  }
}

std::unique_ptr<Module> new_module(const Module &program, StringRef name) {
  auto module = std::make_unique<Module>(name, program.getContext());
  module->setTargetTriple(program.getTargetTriple());
  module->setDataLayout(program.getDataLayout());
  return module;
}

void instrument(const Instrumentation &how, const Unit &unit, const Unit &function, Function &copy,
                ValueToValueMapTy &map) {
  count_iterations(how, function, copy, map);
  if (unit.is_loop())
    return;
  if (tier_can(how.tier, LLVM_LEVEL_NOTES))
    measure_cycles(how, unit, copy);
  count_calls(how, unit, copy);
}

// The unit's function or continuation, cloned into the module, with what is to be noted and counted there.
void clone_unit(llvm_context &context, const std::vector<Unit> &units, const AliasTypes &types,
                const Counters &counters, const Unit &unit, llvm_level_t number,
                Declarer &declarer, Guide &guide) {
  Function &source = *unit.function;
  const Level &level = levels[number];
  Module &module = declarer.target;
  Function *copy = Function::Create(unit.type(), GlobalValue::ExternalLinkage,
                                    code_name(unit, number), module);
  ValueToValueMapTy map;

  if (unit.is_loop()) {
    SmallPtrSet<Value *, 16> live(unit.live.begin(), unit.live.end());
    auto argument = copy->arg_begin();
    for (Value *value : unit.live) {
      if (isa<Argument>(value))
        map[value] = &*argument;
      ++argument;
    }
    for (Argument &other : source.args())
      if (!live.contains(&other))
        map[&other] = PoisonValue::get(other.getType());
    // Attributes of parameters are the function's, not the continuation's.
    AttributeList attributes = source.getAttributes();
    clone_body(*copy, source, map, declarer);
    copy->setAttributes(AttributeList::get(copy->getContext(), attributes.getFnAttrs(),
                                           attributes.getRetAttrs(), {}));
  } else {
    clone_whole(*copy, source, map, declarer);
  }
  copy->setLinkage(GlobalValue::ExternalLinkage);
  copy->setVisibility(GlobalValue::DefaultVisibility);
  copy->setDSOLocal(true);
  // Counting is an effect that the program does not have.
  copy->removeFnAttr(Attribute::Memory);

  if (level.can(LLVM_LEVEL_OPTIMISES))
    types.give(source, map);
  const Unit &function = unit.owner();
  if (level.can(LLVM_LEVEL_NOTES)) {
    note_profile(*context.pool, counters, function.index, source, map);
    watch_copies(counters, source, map);
  } else {
    if (guide.guide(source, map, *copy, /*heat=*/1, unit.is_loop() ? &unit : nullptr))
      guide.summarise(module);
    specialise_copies(counters, source, map);
  }
  if (!level.is_last())
    instrument({context, units, counters, tier_of(number), /*is_native=*/true}, unit, function,
               *copy, map);
  if (unit.is_loop()) {
    enter_at_header(unit, *copy, map, level);
    describe_arguments(unit, *copy);
  }
}

} // namespace

std::string code_name(const Unit &unit, llvm_level_t level) {
  return unit.symbol + suffix_of(level);
}

std::unique_ptr<Module> cut_out(llvm_context &context, const std::vector<Unit> &units,
                                const AliasTypes &types, InliningCosts &costs,
                                const Counters &counters, ArrayRef<uint32_t> wanted,
                                llvm_level_t number) {
  const Level &level = levels[number];
  const Unit &first = units[wanted.front()];
  std::unique_ptr<Module> module = new_module(*first.function->getParent(), first.symbol);
  Declarer declarer(context, *module);
  auto declare = [&](Function &other) { return cast<Function>(declarer.materialize(&other)); };
  Guide guide(units, counters, declare);
  for (uint32_t unit : wanted)
    clone_unit(context, units, types, counters, units[unit], number, declarer, guide);
  auto is_wanted = [&](const Function &function) {
    return any_of(wanted, [&](uint32_t unit) { return units[unit].function == &function; });
  };
  offer_bodies(is_wanted, types, costs, counters, declarer, guide, level);
  if (level.is_last() && !first.is_loop())
    call_itself(*module->getFunction(code_name(first, number)), *first.function);
  if (level.can(LLVM_LEVEL_OPTIMISES))
    offer_constants(declarer);
  return module;
}

std::unique_ptr<Module> cut_out_data(llvm_module &module) {
  ValueToValueMapTy map;
  return clone(*module.ir, map, [](const GlobalValue *value) {
    auto *function = dyn_cast<Function>(value);
    return !function || is_compiled_once(*function);
  });
}

} // namespace bareflow
