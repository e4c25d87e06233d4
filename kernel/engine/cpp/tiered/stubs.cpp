#include "tiered.h"

#include "../arch/arch.h"
#include "../code_pool.h"

#include <stdio.h>

using namespace llvm;

namespace bareflow {

llvm_tiered *running = nullptr;

extern "C" uint64_t bareflow_moment(llvm_unit_t *) { return arch::read_clock() & ~1; }

extern "C" void bareflow_unit_left(llvm_unit_t *unit, uint64_t entry) {
  uint64_t cycles = arch::read_clock() - entry;
  ++unit->timed_calls;
  unit->total_cycles += cycles;
  unit->least_cycles = std::min(unit->least_cycles, cycles);
  unit->most_cycles = std::max(unit->most_cycles, cycles);
}

extern "C" void bareflow_unit_is_hot(uint32_t unit, uint32_t tier) {
  {
    Pause pause;
    running->hooks.hot(running->hooks.user, unit, tier);
  }
  leave_if_memory_changed();
}

extern "C" uint32_t bareflow_loop_is_hot(uint32_t unit, uint32_t tier) {
  bareflow_unit_is_hot(unit, tier);
  return running->tiers[unit] > tier;
}

extern "C" void *bareflow_native_code_of(uint32_t unit) {
  if (running->has_code(unit))
    return running->slots[unit];
  running->is_wanted = true;
  {
    Pause pause;
    running->hooks.wanted(running->hooks.user, unit);
  }
  running->is_wanted = false;
  leave_if_memory_changed();
  if (!running->has_code(unit)) {
    // The last compilation says why.
    char text[512];
    snprintf(text, sizeof text, "a function has no native code: %s", running->message.c_str());
    leave(running->error == LLVM_ERROR_OUT_OF_MEMORY ? Ending::out_of_memory : Ending::failed, 0,
          text);
  }
  return running->slots[unit];
}

uintptr_t helper_for_code(const llvm_context &context, const char *name, void *own) {
  uintptr_t found = address_for_code(context, name, reinterpret_cast<uintptr_t>(own));
  if (!found)
    report_fatal_error(Twine("the kernel that code is made for has no ") + name);
  return found;
}

void Compiler::use(llvm_tiered &program) {
  counters.units = program.counters;
  counters.profiles = &program.profiles;
  counters.stubs = program.stubs;
  for (const Unit &unit : units)
    if (!unit.is_loop())
      counters.functions[unit.function] = unit.index;
}

llvm_error_t create_stubs(llvm_tiered &program) {
  arch::prepare_stubs();
  Compiler &compiler = *program.compiler;
  llvm_context &context = *compiler.module.context;
  CodePool &pool = *context.pool;
  size_t count = compiler.units.size();
  program.unit_count = count;
  {
    ProgramMemory scope;
    program.tiers.assign(count, LLVM_TIER_INTERPRETER);
    program.code.resize(count);
    program.profiles.open(count, program.hooks.is_guided);
    compiler.newest.resize(count);
  }
  auto data = pool.reserve(count * (sizeof(llvm_unit_t) + sizeof(void *)));
  if (!data)
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, data.takeError());
  auto code = pool.reserve(count * (arch::stub_bytes + arch::entry_bytes));
  if (!code)
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, code.takeError());

  program.lay_out(*data, *code);
  compiler.use(program);
  uintptr_t enter_unit = helper_for_code(context, "bareflow_enter_unit",
                                         reinterpret_cast<void *>(bareflow_enter_unit));
  for (const Unit &unit : compiler.units) {
    arch::put_stub(program.stub(unit.index), reinterpret_cast<uintptr_t>(program.slots + unit.index));
    arch::put_entry(program.no_code(unit.index), unit.index, enter_unit);
    program.code[unit.index] = program.no_code(unit.index);
    program.slots[unit.index] = reinterpret_cast<void *>(program.no_code(unit.index));
    compiler.linker.define(unit.symbol, program.stub(unit.index));
    llvm_unit_t &counters = program.counters[unit.index];
    counters.least_cycles = UINT64_MAX;
    std::fill(std::begin(counters.limits), std::end(counters.limits), UINT64_MAX);
  }
  if (Error error = pool.seal(*code, count * (arch::stub_bytes + arch::entry_bytes)))
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, std::move(error));
  return LLVM_OK;
}

} // namespace bareflow

void llvm_tiered::lay_out(uintptr_t data, uintptr_t code) {
  counters = reinterpret_cast<llvm_unit_t *>(data);
  slots = reinterpret_cast<void **>(counters + unit_count);
  stubs = code;
  entries = code + unit_count * arch::stub_bytes;
}

uintptr_t llvm_tiered::stub(uint32_t unit) const { return stubs + unit * arch::stub_bytes; }

uintptr_t llvm_tiered::no_code(uint32_t unit) const {
  return entries + unit * arch::entry_bytes;
}
