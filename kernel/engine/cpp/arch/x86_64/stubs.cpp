// x86-64's code around units: stubs, entries, and what native code calls without losing a register.
#include "../arch.h"

#include <cpuid.h>
#include <stddef.h>
#include <string.h>

// Whether the operating system has switched XSAVE on.
extern "C" uint8_t bareflow_has_xsave;
uint8_t bareflow_has_xsave = 0;

// The offsets that the assembly writes out.
static_assert(offsetof(llvm_unit_t, count) == 0 && offsetof(llvm_unit_t, timed_calls) == 8 &&
              offsetof(llvm_unit_t, total_cycles) == 16 &&
              offsetof(llvm_unit_t, least_cycles) == 24 &&
              offsetof(llvm_unit_t, most_cycles) == 32);

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
    cmp %rax, 24(%rdi)
    jbe 1f
    mov %rax, 24(%rdi)
1:  cmp %rax, 32(%rdi)
    jae 2f
    mov %rax, 32(%rdi)
2:  mov $1, %edx
    test $1, %sil
    jz 3f
    shl $4, %rax
    mov $16, %edx
3:  add %rdx, 8(%rdi)
    add %rax, 16(%rdi)
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

namespace bareflow::arch {

void prepare_stubs() {
  unsigned eax, ebx, ecx, edx;
  bareflow_has_xsave = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_OSXSAVE);
}

// A displacement that an instruction adds to the address behind it.
static void put_displacement(uint8_t *place, uintptr_t target) {
  auto distance = static_cast<int32_t>(target - (reinterpret_cast<uintptr_t>(place) + 4));
  memcpy(place, &distance, sizeof distance);
}

// mov $unit, %r11d; jmp bareflow_enter_unit
void put_entry(uintptr_t place, uint32_t unit, uintptr_t enter_unit) {
  const uint8_t code[entry_bytes] = {0x41, 0xbb, 0, 0, 0, 0, 0xe9, 0,
                                     0,    0,    0, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
  auto *bytes = reinterpret_cast<uint8_t *>(place);
  memcpy(bytes, code, sizeof code);
  memcpy(bytes + 2, &unit, sizeof unit);
  put_displacement(bytes + 7, enter_unit);
}

// jmp *word
void put_stub(uintptr_t place, uintptr_t word) {
  const uint8_t code[stub_bytes] = {0xff, 0x25, 0, 0, 0, 0, 0x66, 0x90};
  auto *bytes = reinterpret_cast<uint8_t *>(place);
  memcpy(bytes, code, sizeof code);
  put_displacement(bytes + 2, word);
}

} // namespace bareflow::arch
