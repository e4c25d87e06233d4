// What unoptimised code has noted, as the optimiser knows it: weights of branches, counts of entries and a summary.
#include "../arch/arch.h"
#include "tiered.h"

#include "llvm/IR/InstIterator.h"
#include "llvm/IR/ProfileSummary.h"
#include "llvm/ProfileData/InstrProf.h"
#include "llvm/ProfileData/ProfileCommon.h"

using namespace llvm;
using namespace bareflow;

namespace bareflow {
namespace {

// What ran less often may have done so by chance.
constexpr uint64_t least_executions = 64;

size_t words_of(const Flow &flow, ArrayRef<CallBase *> calls) {
  return flow.counter_count() + calls.size() * words_of_call;
}

// What was noted of a function.
struct Seen {
  explicit Seen(Function &function)
      : flow(function), calls(find_calls_by_address(function)) {}

  Flow flow;
  std::vector<CallBase *> calls;
  // Of these; none if nothing is known.
  ArrayRef<uint64_t> targets;
};

std::optional<Seen> find_seen(const Counters &counters, uint32_t unit, Function &source) {
  Seen seen(source);
  if (!seen.flow.is_known())
    return {};
  ArrayRef<uint64_t> words = counters.profiles->find(unit, words_of(seen.flow, seen.calls));
  if (seen.flow.counter_count() == 0)
    seen.flow.run_straight(counters.units[unit].count);
  else if (!words.empty())
    seen.flow.solve(words.take_front(seen.flow.counter_count()));
  else
    return {};
  if (!words.empty())
    seen.targets = words.drop_front(seen.flow.counter_count());
  return seen;
}

Function *function_at(const std::vector<Unit> &units, uintptr_t stubs, uintptr_t address) {
  uintptr_t offset = address - stubs;
  size_t unit = offset / arch::stub_bytes;
  if (address < stubs || unit >= units.size() || offset % arch::stub_bytes != 0 || units[unit].is_loop())
    return nullptr;
  return units[unit].function;
}

} // namespace

void note_profile(CodePool &pool, const Counters &counters, uint32_t unit, Function &source,
                  ValueToValueMapTy &map) {
  if (!counters.profiles->is_on())
    return;
  Flow flow(source);
  if (!flow.is_known())
    return;
  std::vector<CallBase *> calls = find_calls_by_address(source);
  size_t count = words_of(flow, calls);
  uintptr_t words = count == 0 ? 0 : counters.profiles->make(pool, unit, count);
  if (!words)
    return;
  flow.count(map, words);
  watch_targets(calls, map, words + flow.counter_count() * sizeof(uint64_t));
}

Guide::Guide(const std::vector<Unit> &units, const Counters &counters,
             function_ref<Function *(Function &)> declare)
    : units(units), counters(counters), declare(declare) {}

bool Guide::guide(Function &source, ValueToValueMapTy &map, Function &copy, double heat,
                  const Unit *loop) {
  auto unit = counters.functions.find(&source);
  if (!counters.profiles->is_on() || unit == counters.functions.end() ||
      !guide_by_profile(unit->second, source, map, copy, loop, heat)) {
    // Nothing tells the calls apart.
    for (Instruction &instruction : instructions(source))
      add_callees(instruction, heat);
    return false;
  }
  return true;
}

bool Guide::guide_by_profile(uint32_t unit, Function &source, ValueToValueMapTy &map,
                             Function &copy, const Unit *loop, double heat) {
  std::optional<Seen> seen = find_seen(counters, unit, source);
  if (!seen || seen->flow.most_executions() < least_executions)
    return false;
  const Flow &flow = seen->flow;

  flow.weigh(map);
  uint64_t entries = loop ? flow.entries_of_loop(loop->header) : flow.entries();
  entries = std::max<uint64_t>(entries, 1);
  copy.setEntryCount(entries);
  executions.assign(1, entries);
  append_range(executions, flow.all_executions());

  auto heat_at = [&](const Instruction &instruction) {
    return heat * double(flow.executions(instruction.getParent())) / double(entries);
  };
  for (Instruction &instruction : instructions(source))
    add_callees(instruction, heat_at(instruction));
  if (!seen->targets.empty())
    promote_targets(seen->calls, map, seen->targets,
                    [&](const CallBase &call, uintptr_t address) -> Function * {
                      Function *target = function_at(units, counters.stubs, address);
                      if (!target)
                        return nullptr;
                      add_callee(*target, heat_at(call));
                      return declare(*target);
                    });
  return true;
}

// Those whose address is given to somebody are likely to be called, too.
void Guide::add_callees(const Instruction &instruction, double heat) {
  for (const Value *operand : instruction.operand_values())
    if (auto *callee = dyn_cast<Function>(operand))
      add_callee(*callee, heat);
}

void Guide::add_callee(const Function &callee, double heat) {
  double &known = heats[&callee];
  known = std::max(known, heat);
}

void Guide::summarise(Module &module) {
  InstrProfSummaryBuilder builder(ProfileSummaryBuilder::DefaultCutoffs.vec());
  builder.addRecord(InstrProfRecord(executions));
  std::unique_ptr<ProfileSummary> summary = builder.getSummary();
  module.setProfileSummary(summary->getMD(module.getContext()), ProfileSummary::PSK_Instr);
  const SummaryEntryVector &details = summary->getDetailedSummary();
  often = {executions.front(), ProfileSummaryBuilder::getHotCountThreshold(details),
           ProfileSummaryBuilder::getColdCountThreshold(details)};
}

Guide::Calls Guide::calls_of(const Function &callee) const {
  if (!often)
    return Calls::usual;
  double calls = heat_of(callee) * double(often->entries);
  if (calls >= double(often->least))
    return Calls::often;
  return calls <= double(often->seldom) ? Calls::seldom : Calls::usual;
}

} // namespace bareflow

llvm_error_t llvm_tiered_visit_flow(llvm_tiered_t *program, uint32_t unit,
                                    const llvm_flow_visitor_t *visitor) {
  if (!program || !program->compiler || unit >= program->unit_count || !visitor || !visitor->edge ||
      !visitor->call)
    return LLVM_ERROR_INVALID_ARGUMENT;
  const Compiler &compiler = *program->compiler;
  const Counters &counters = compiler.counters;
  if (compiler.units[unit].is_loop() || !counters.profiles->is_on())
    return LLVM_OK;
  return enter(compiler.module.context, [&] {
    std::optional<Seen> seen = find_seen(counters, unit, *compiler.units[unit].function);
    if (!seen)
      return LLVM_OK;
    seen->flow.visit([&](unsigned from, unsigned to, uint64_t taken) {
      visitor->edge(visitor->user, from, to, taken);
    });
    visit_targets(seen->targets, [&](uintptr_t address, uint64_t times, uint64_t calls) {
      const Function *target = function_at(compiler.units, counters.stubs, address);
      std::string name = target ? target->getName().str() : std::string();
      visitor->call(visitor->user, target ? name.c_str() : nullptr, times, calls);
    });
    return LLVM_OK;
  });
}
