#include "tiered.h"

#include "../code_pool.h"

#include <cpuid.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

using namespace llvm;

namespace bareflow {

llvm_tiered *running = nullptr;

extern "C" void bareflow_enter_unit();

// Whether the operating system has switched XSAVE on.
extern "C" uint8_t bareflow_has_xsave;
uint8_t bareflow_has_xsave = 0;

// The offsets that the assembly writes out.
static_assert(offsetof(llvm_unit_t, count) == 0 && offsetof(llvm_unit_t, timed_calls) == 40 &&
              offsetof(llvm_unit_t, total_cycles) == 48 &&
              offsetof(llvm_unit_t, least_cycles) == 56 &&
              offsetof(llvm_unit_t, most_cycles) == 64);

__asm__(R"(
    .text
    # Between these two the stack is aligned and C may be called; then all registers that a call may change are
    # as they were. %r11 is at -72(%rbp) meanwhile. XSAVE keeps the x87's, SSE's, AVX's and AVX-512's state (0xe7), which
    # takes up to 2688 bytes, and wants zeros in its header; the C library's functions use all of the vector registers.
    .macro bareflow_keep_registers
    push %rbp
    mov %rsp, %rbp
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    push %\register
    .endr
    sub $2688, %rsp
    and $-64, %rsp
    cmpb $0, bareflow_has_xsave(%rip)
    je 1f
    xor %ecx, %ecx
    .irp offset, 512, 520, 528, 536, 544, 552, 560, 568
    mov %rcx, \offset(%rsp)
    .endr
    mov $0xe7, %eax
    xor %edx, %edx
    xsave (%rsp)
    jmp 2f
1:  fxsave (%rsp)
2:  cld
    .endm
    .macro bareflow_restore_registers
    cmpb $0, bareflow_has_xsave(%rip)
    je 1f
    mov $0xe7, %eax
    xor %edx, %edx
    xrstor (%rsp)
    jmp 2f
1:  fxrstor (%rsp)
2:  lea -72(%rbp), %rsp
    .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax, rbp
    pop %\register
    .endr
    .endm

    # From a unit's entry, with its number in %r11d and a caller's arguments in all registers: goes to its
    # native code.
    .globl bareflow_enter_unit
    .type bareflow_enter_unit, @function
bareflow_enter_unit:
    bareflow_keep_registers
    mov %r11d, %edi
    call bareflow_native_code_of
    mov %rax, -72(%rbp)
    bareflow_restore_registers
    jmp *%r11
    .size bareflow_enter_unit, . - bareflow_enter_unit

    # bareflow_unit_is_hot, keeping all registers.
    .globl bareflow_native_unit_is_hot
    .type bareflow_native_unit_is_hot, @function
bareflow_native_unit_is_hot:
    bareflow_keep_registers
    call bareflow_unit_is_hot
    bareflow_restore_registers
    ret
    .size bareflow_native_unit_is_hot, . - bareflow_native_unit_is_hot

    # bareflow_unit_left(unit, moment of entry), keeping all registers.
    .globl bareflow_native_unit_left
    .type bareflow_native_unit_left, @function
bareflow_native_unit_left:
    test %rsi, %rsi
    jz 4f
    push %rax
    push %rdx
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    sub %rsi, %rax
    cmp %rax, 56(%rdi)
    jbe 1f
    mov %rax, 56(%rdi)
1:  cmp %rax, 64(%rdi)
    jae 2f
    mov %rax, 64(%rdi)
2:  mov $1, %edx
    test $1, %sil
    jz 3f
    shl $4, %rax
    mov $16, %edx
3:  add %rdx, 40(%rdi)
    add %rax, 48(%rdi)
    pop %rdx
    pop %rax
4:  ret
    .size bareflow_native_unit_left, . - bareflow_native_unit_left

    # bareflow_moment(unit), keeping all registers but that of the result; of calls beyond the 64th only every 16th is
    # timed, and stands for 16.
    .globl bareflow_native_moment
    .type bareflow_native_moment, @function
bareflow_native_moment:
    mov (%rdi), %rax
    cmp $64, %rax
    jbe 1f
    test $15, %al
    jz 1f
    xor %eax, %eax
    ret
1:  push %rdx
    push %rcx
    xor %ecx, %ecx
    cmp $64, %rax
    seta %cl
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    and $-2, %rax
    or %rcx, %rax
    pop %rcx
    pop %rdx
    ret
    .size bareflow_native_moment, . - bareflow_native_moment
)");

extern "C" uint64_t bareflow_moment(llvm_unit_t *) { return __builtin_ia32_rdtsc() & ~1; }

extern "C" void bareflow_unit_left(llvm_unit_t *unit, uint64_t entry) {
  uint64_t cycles = __builtin_ia32_rdtsc() - entry;
  ++unit->timed_calls;
  unit->total_cycles += cycles;
  unit->least_cycles = std::min(unit->least_cycles, cycles);
  unit->most_cycles = std::max(unit->most_cycles, cycles);
}

extern "C" void bareflow_unit_is_hot(uint32_t unit, uint32_t tier) {
  {
    Pause pause;
    running->hooks.hot(running->hooks.user, unit, static_cast<llvm_tier_t>(tier));
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

namespace {

constexpr size_t entry_bytes = LLVM_ENTRY_BYTES;

// A displacement that an instruction adds to the address behind it.
void put_displacement(uint8_t *place, uintptr_t target) {
  auto distance = static_cast<int32_t>(target - (reinterpret_cast<uintptr_t>(place) + 4));
  memcpy(place, &distance, sizeof distance);
}

// mov $unit, %r11d; jmp bareflow_enter_unit
void put_entry(uint8_t *place, uint32_t unit, uintptr_t enter_unit) {
  const uint8_t code[entry_bytes] = {0x41, 0xbb, 0, 0, 0, 0, 0xe9, 0,
                                     0,    0,    0, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
  memcpy(place, code, sizeof code);
  memcpy(place + 2, &unit, sizeof unit);
  put_displacement(place + 7, enter_unit);
}

} // namespace

uintptr_t helper_for_code(const llvm_context &context, const char *name, void *own) {
  uintptr_t found = address_for_code(context, name, reinterpret_cast<uintptr_t>(own));
  if (!found)
    report_fatal_error(Twine("the kernel that code is made for has no ") + name);
  return found;
}

void put_stub(uintptr_t place, uintptr_t word) {
  const uint8_t code[stub_bytes] = {0xff, 0x25, 0, 0, 0, 0, 0x66, 0x90};
  auto *bytes = reinterpret_cast<uint8_t *>(place);
  memcpy(bytes, code, sizeof code);
  put_displacement(bytes + 2, word);
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
  unsigned eax, ebx, ecx, edx;
  bareflow_has_xsave = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_OSXSAVE);
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
  auto code = pool.reserve(count * (stub_bytes + entry_bytes));
  if (!code)
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, code.takeError());

  program.lay_out(*data, *code);
  compiler.use(program);
  uintptr_t enter_unit = helper_for_code(context, "bareflow_enter_unit",
                                         reinterpret_cast<void *>(bareflow_enter_unit));
  for (const Unit &unit : compiler.units) {
    put_stub(program.stub(unit.index), reinterpret_cast<uintptr_t>(program.slots + unit.index));
    put_entry(reinterpret_cast<uint8_t *>(program.no_code(unit.index)), unit.index,
              enter_unit);
    program.code[unit.index] = program.no_code(unit.index);
    program.slots[unit.index] = reinterpret_cast<void *>(program.no_code(unit.index));
    compiler.linker.define(unit.symbol, program.stub(unit.index));
    llvm_unit_t &counters = program.counters[unit.index];
    counters.least_cycles = UINT64_MAX;
    std::fill(std::begin(counters.limits), std::end(counters.limits), UINT64_MAX);
  }
  if (Error error = pool.seal(*code, count * (stub_bytes + entry_bytes)))
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, std::move(error));
  return LLVM_OK;
}

} // namespace bareflow

void llvm_tiered::lay_out(uintptr_t data, uintptr_t code) {
  counters = reinterpret_cast<llvm_unit_t *>(data);
  slots = reinterpret_cast<void **>(counters + unit_count);
  stubs = code;
  entries = code + unit_count * bareflow::stub_bytes;
}

uintptr_t llvm_tiered::stub(uint32_t unit) const { return stubs + unit * bareflow::stub_bytes; }

uintptr_t llvm_tiered::no_code(uint32_t unit) const {
  return entries + unit * bareflow::entry_bytes;
}
