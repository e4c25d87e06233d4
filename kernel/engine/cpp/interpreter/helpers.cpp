// Native functions for what would take the interpreter long, or what it gets wrong.
#include "lower.h"

#include "../arch/arch.h"
#include "../recovery.h"
#include "held.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace bareflow {
namespace {

uint64_t count_ones_in(uint64_t value) { return popcount(value); }

uint64_t leading_zeros_in(uint64_t value, uint64_t width) {
  return countl_zero(value) - (64 - width);
}

uint64_t trailing_zeros_in(uint64_t value, uint64_t width) {
  return std::min<uint64_t>(countr_zero(value), width);
}

uint64_t swapped_bytes_of(uint64_t value, uint64_t width) {
  return __builtin_bswap64(value) >> (64 - width);
}

uint64_t reversed_bits_of(uint64_t value, uint64_t width) {
  return reverseBits(value) >> (64 - width);
}

// The interpreter converts through double, which rounds twice.
float float_of_unsigned(uint64_t value) { return static_cast<float>(value); }
float float_of_signed(int64_t value) { return static_cast<float>(value); }

uint64_t read_cycle_counter() { return arch::read_clock(); }

[[noreturn]] void reach_trap() { leave_interpreted("the program executed a trap"); }

[[noreturn]] void overflow_stack() { leave_interpreted("stack overflow: too deep a recursion"); }

template <class Function> void *address_of(Function *function) {
  return reinterpret_cast<void *>(function);
}

} // namespace

namespace helper {
void *count_ones() { return address_of(count_ones_in); }
void *leading_zeros() { return address_of(leading_zeros_in); }
void *trailing_zeros() { return address_of(trailing_zeros_in); }
void *swap_bytes() { return address_of(swapped_bytes_of); }
void *reverse_bits() { return address_of(reversed_bits_of); }
void *unsigned_to_float() { return address_of(float_of_unsigned); }
void *signed_to_float() { return address_of(float_of_signed); }
void *cycle_counter() { return address_of(read_cycle_counter); }
void *trap() { return address_of(reach_trap); }
void *stack_overflow() { return address_of(overflow_stack); }
} // namespace helper

Value *call_helper(IRBuilderBase &builder, void *helper, Type *result,
                   ArrayRef<Value *> arguments) {
  SmallVector<Type *, 4> types;
  for (Value *argument : arguments)
    types.push_back(argument->getType());
  Value *target = ConstantExpr::getIntToPtr(
      builder.getInt64(reinterpret_cast<uint64_t>(helper)), builder.getPtrTy());
  CallInst *call =
      builder.CreateCall(FunctionType::get(result, types, false), target, arguments);
  mark_as_ours(*call);
  return call;
}

} // namespace bareflow
