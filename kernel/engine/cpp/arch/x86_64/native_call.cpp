// System V Application Binary Interface, AMD64 Architecture Processor Supplement, 3.2.3 "Parameter
// Passing", as far as LLVM's code generator sees it: integers and pointers in six registers, doubles
// in eight, the rest on the stack, small structures in up to two registers of each kind.
#include "../../interpreter/native_call.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/Module.h"

#include <stddef.h>
#include <string.h>

using namespace llvm;

namespace bareflow {

constexpr unsigned integer_registers = 6;
constexpr unsigned floating_registers = 8;
constexpr unsigned result_registers = 2;

// What the assembly routine loads and stores; the offsets are written out there.
struct NativeCall {
  uint64_t integers[integer_registers];
  uint64_t floats[floating_registers];
  const uint64_t *stack;
  uint64_t stack_words;
  uint64_t floats_used;
  void *target;
  uint64_t integer_results[result_registers];
  uint64_t float_results[result_registers];
};
static_assert(offsetof(NativeCall, floats) == 48 && offsetof(NativeCall, stack) == 112 &&
              offsetof(NativeCall, stack_words) == 120 &&
              offsetof(NativeCall, floats_used) == 128 && offsetof(NativeCall, target) == 136 &&
              offsetof(NativeCall, integer_results) == 144 &&
              offsetof(NativeCall, float_results) == 160);

extern "C" void bareflow_native_call(NativeCall *call);

__asm__(R"(
    .text
    .globl bareflow_native_call
    .type bareflow_native_call, @function
bareflow_native_call:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    mov %rdi, %rbx
    # The frames of interpreted calls are below this one.
    mov bareflow_interpreted_stack(%rip), %rsp
    # The arguments on the stack, on a 16-byte boundary as at every call.
    mov 120(%rbx), %rcx
    lea (,%rcx,8), %rax
    sub %rax, %rsp
    and $-16, %rsp
    mov 112(%rbx), %rsi
    mov %rsp, %rdi
    cld
    rep movsq
    movsd 48(%rbx), %xmm0
    movsd 56(%rbx), %xmm1
    movsd 64(%rbx), %xmm2
    movsd 72(%rbx), %xmm3
    movsd 80(%rbx), %xmm4
    movsd 88(%rbx), %xmm5
    movsd 96(%rbx), %xmm6
    movsd 104(%rbx), %xmm7
    mov 0(%rbx), %rdi
    mov 8(%rbx), %rsi
    mov 16(%rbx), %rdx
    mov 24(%rbx), %rcx
    mov 32(%rbx), %r8
    mov 40(%rbx), %r9
    # Variadic functions want to know how many vector registers are used.
    mov 128(%rbx), %eax
    call *136(%rbx)
    mov %rax, 144(%rbx)
    mov %rdx, 152(%rbx)
    movsd %xmm0, 160(%rbx)
    movsd %xmm1, 168(%rbx)
    lea -8(%rbp), %rsp
    pop %rbx
    pop %rbp
    ret
    .size bareflow_native_call, . - bareflow_native_call
)");

namespace {

bool is_scalar(Type *type) {
  return type->isPointerTy() || type->isFloatTy() || type->isDoubleTy() ||
         (type->isIntegerTy() && type->getIntegerBitWidth() <= 64);
}

// Counts the registers of a value that is passed or returned as its scalars; false if it has others.
bool count_scalars(Type *type, unsigned &integers, unsigned &floats) {
  if (is_scalar(type)) {
    ++(type->isFloatingPointTy() ? floats : integers);
    return true;
  }
  if (auto *structure = dyn_cast<StructType>(type))
    return all_of(structure->elements(),
                  [&](Type *element) { return count_scalars(element, integers, floats); });
  if (auto *array = dyn_cast<ArrayType>(type)) {
    for (uint64_t index = 0; index < array->getNumElements(); ++index)
      if (!count_scalars(array->getElementType(), integers, floats))
        return false;
    return true;
  }
  return false;
}

class ArgumentPlacer {
public:
  explicit ArgumentPlacer(NativeCall &call) : call(call) {}

  void place(const Signature::Parameter &parameter, const GenericValue &value) {
    if (parameter.copied_bytes)
      return place_copy(parameter, value);
    place_value(parameter.type, value, parameter.sign_extended);
  }

  void finish() {
    call.stack = stack.data();
    call.stack_words = stack.size();
    call.floats_used = floats;
  }

private:
  void place_value(Type *type, const GenericValue &value, bool sign_extended) {
    if (auto *structure = dyn_cast<StructType>(type)) {
      for (unsigned index = 0; index < structure->getNumElements(); ++index)
        place_value(structure->getElementType(index), value.AggregateVal[index], false);
    } else if (auto *array = dyn_cast<ArrayType>(type)) {
      for (unsigned index = 0; index < array->getNumElements(); ++index)
        place_value(array->getElementType(), value.AggregateVal[index], false);
    } else if (type->isDoubleTy()) {
      place_float(bit_cast<uint64_t>(value.DoubleVal));
    } else if (type->isFloatTy()) {
      place_float(bit_cast<uint32_t>(value.FloatVal));
    } else if (type->isPointerTy()) {
      place_integer(reinterpret_cast<uint64_t>(value.PointerVal));
    } else {
      place_integer(sign_extended ? value.IntVal.getSExtValue() : value.IntVal.getZExtValue());
    }
  }

  void place_integer(uint64_t value) {
    if (integers < integer_registers)
      call.integers[integers++] = value;
    else
      stack.push_back(value);
  }

  void place_float(uint64_t value) {
    if (floats < floating_registers)
      call.floats[floats++] = value;
    else
      stack.push_back(value);
  }

  void place_copy(const Signature::Parameter &parameter, const GenericValue &value) {
    if (parameter.alignment > 8 && stack.size() % 2)
      stack.push_back(0);
    size_t start = stack.size();
    stack.resize(start + (parameter.copied_bytes + 7) / 8);
    memcpy(&stack[start], value.PointerVal, parameter.copied_bytes);
  }

  NativeCall &call;
  SmallVector<uint64_t, 16> stack;
  unsigned integers = 0, floats = 0;
};

class ResultReader {
public:
  explicit ResultReader(const NativeCall &call) : call(call) {}

  GenericValue read(Type *type) {
    GenericValue value;
    if (auto *structure = dyn_cast<StructType>(type)) {
      for (Type *element : structure->elements())
        value.AggregateVal.push_back(read(element));
    } else if (auto *array = dyn_cast<ArrayType>(type)) {
      for (uint64_t index = 0; index < array->getNumElements(); ++index)
        value.AggregateVal.push_back(read(array->getElementType()));
    } else if (type->isDoubleTy()) {
      value.DoubleVal = bit_cast<double>(call.float_results[floats++]);
    } else if (type->isFloatTy()) {
      value.FloatVal = bit_cast<float>(static_cast<uint32_t>(call.float_results[floats++]));
    } else if (type->isPointerTy()) {
      value.PointerVal = reinterpret_cast<void *>(call.integer_results[integers++]);
    } else if (type->isIntegerTy()) {
      value.IntVal = APInt(64, call.integer_results[integers++])
                         .trunc(cast<IntegerType>(type)->getBitWidth());
    }
    return value;
  }

private:
  const NativeCall &call;
  unsigned integers = 0, floats = 0;
};

} // namespace

std::string unsupported_call(const CallBase &call) {
  switch (call.getCallingConv()) {
  case CallingConv::C:
  case CallingConv::Fast:
  case CallingConv::Cold:
    break;
  default:
    return "an unusual calling convention";
  }
  for (unsigned index = 0; index < call.arg_size(); ++index) {
    unsigned integers = 0, floats = 0;
    if (!count_scalars(call.getArgOperand(index)->getType(), integers, floats))
      return "an argument that is not passed in ordinary registers";
    for (auto kind : {Attribute::Nest, Attribute::InReg, Attribute::SwiftSelf,
                      Attribute::SwiftError, Attribute::SwiftAsync, Attribute::InAlloca,
                      Attribute::Preallocated})
      if (call.paramHasAttr(index, kind))
        return "an argument with a special register";
    if (call.isByValArgument(index) && call.getParamAlign(index).valueOrOne() > 16)
      return "an over-aligned structure argument";
  }
  unsigned integers = 0, floats = 0;
  Type *result = call.getType();
  if (!result->isVoidTy() && (!count_scalars(result, integers, floats) ||
                              integers > result_registers || floats > result_registers))
    return "a result that is not returned in ordinary registers";
  return "";
}

Signature signature_of(const CallBase &call, const DataLayout &layout) {
  Signature signature{call.getType(), {}};
  for (unsigned index = 0; index < call.arg_size(); ++index) {
    Signature::Parameter parameter{call.getArgOperand(index)->getType(), 0, 8,
                                   call.paramHasAttr(index, Attribute::SExt)};
    if (call.isByValArgument(index)) {
      Type *type = call.getParamByValType(index);
      parameter.copied_bytes = layout.getTypeAllocSize(type);
      parameter.alignment =
          call.getParamAlign(index).value_or(layout.getABITypeAlign(type)).value();
    }
    signature.parameters.push_back(parameter);
  }
  return signature;
}

GenericValue call_native(FunctionType *, ArrayRef<GenericValue> arguments) {
  auto &signature = *reinterpret_cast<const Signature *>(arguments[0].IntVal.getZExtValue());
  NativeCall call{};
  call.target = arguments[1].PointerVal;
  ArgumentPlacer placer(call);
  for (size_t index = 0; index < signature.parameters.size(); ++index)
    placer.place(signature.parameters[index], arguments[index + 2]);
  placer.finish();
  bareflow_native_call(&call);
  return ResultReader(call).read(signature.result);
}

} // namespace bareflow
