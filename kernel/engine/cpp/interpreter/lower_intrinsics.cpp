// LLVM's intrinsic functions as instructions and calls that the interpreter can run.
#include "lower.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/MemoryBuiltins.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;

namespace bareflow {
namespace {

// The C library's function with the intrinsic's meaning and parameters, for double; float adds "f".
const char *library_function(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::sqrt:
    return "sqrt";
  case Intrinsic::sin:
    return "sin";
  case Intrinsic::cos:
    return "cos";
  case Intrinsic::pow:
    return "pow";
  case Intrinsic::exp:
    return "exp";
  case Intrinsic::exp2:
    return "exp2";
  case Intrinsic::log:
    return "log";
  case Intrinsic::log2:
    return "log2";
  case Intrinsic::log10:
    return "log10";
  case Intrinsic::fma:
    return "fma";
  case Intrinsic::fabs:
    return "fabs";
  case Intrinsic::copysign:
    return "copysign";
  case Intrinsic::minnum:
    return "fmin";
  case Intrinsic::maxnum:
    return "fmax";
  case Intrinsic::floor:
    return "floor";
  case Intrinsic::ceil:
    return "ceil";
  case Intrinsic::trunc:
    return "trunc";
  case Intrinsic::rint:
    return "rint";
  case Intrinsic::nearbyint:
    return "nearbyint";
  case Intrinsic::round:
    return "round";
  case Intrinsic::roundeven:
    return "roundeven";
  case Intrinsic::lround:
    return "lround";
  case Intrinsic::llround:
    return "llround";
  case Intrinsic::lrint:
    return "lrint";
  case Intrinsic::llrint:
    return "llrint";
  default:
    return nullptr;
  }
}

bool is_dropped(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::assume:
  case Intrinsic::dbg_declare:
  case Intrinsic::dbg_value:
  case Intrinsic::dbg_label:
  case Intrinsic::dbg_assign:
  case Intrinsic::donothing:
  case Intrinsic::experimental_noalias_scope_decl:
  case Intrinsic::invariant_end:
  case Intrinsic::lifetime_end:
  case Intrinsic::lifetime_start:
  case Intrinsic::prefetch:
  case Intrinsic::pseudoprobe:
  case Intrinsic::sideeffect:
  case Intrinsic::var_annotation:
    return true;
  default:
    return false;
  }
}

// What the compiler is told about a value does not change it.
bool is_its_argument(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::annotation:
  case Intrinsic::expect:
  case Intrinsic::expect_with_probability:
  case Intrinsic::launder_invariant_group:
  case Intrinsic::ptr_annotation:
  case Intrinsic::ssa_copy:
  case Intrinsic::strip_invariant_group:
  case Intrinsic::threadlocal_address:
  case Intrinsic::arithmetic_fence:
    return true;
  default:
    return false;
  }
}

Value *widened_helper(IRBuilderBase &builder, void *helper, Value *value) {
  unsigned width = value->getType()->getIntegerBitWidth();
  Value *wide = builder.CreateZExt(value, builder.getInt64Ty());
  Value *result =
      call_helper(builder, helper, builder.getInt64Ty(), {wide, builder.getInt64(width)});
  return builder.CreateTrunc(result, value->getType());
}

Value *bit_operation(IRBuilderBase &builder, Intrinsic::ID id, Value *value) {
  switch (id) {
  case Intrinsic::ctpop:
    return widened_helper(builder, helper::count_ones(), value);
  case Intrinsic::ctlz:
    return widened_helper(builder, helper::leading_zeros(), value);
  case Intrinsic::cttz:
    return widened_helper(builder, helper::trailing_zeros(), value);
  case Intrinsic::bswap:
    return widened_helper(builder, helper::swap_bytes(), value);
  case Intrinsic::bitreverse:
    return widened_helper(builder, helper::reverse_bits(), value);
  default:
    return nullptr;
  }
}

Value *choose(IRBuilderBase &builder, Intrinsic::ID id, Value *left, Value *right) {
  CmpInst::Predicate predicate;
  switch (id) {
  case Intrinsic::smax:
    predicate = CmpInst::ICMP_SGT;
    break;
  case Intrinsic::smin:
    predicate = CmpInst::ICMP_SLT;
    break;
  case Intrinsic::umax:
    predicate = CmpInst::ICMP_UGT;
    break;
  case Intrinsic::umin:
    predicate = CmpInst::ICMP_ULT;
    break;
  default:
    return nullptr;
  }
  return builder.CreateSelect(builder.CreateICmp(predicate, left, right), left, right);
}

// A sum, difference or product, and whether it overflowed.
struct Checked {
  Value *result, *overflowed;
};

Checked checked_multiply(IRBuilderBase &builder, bool is_signed, Value *left, Value *right) {
  Type *type = left->getType();
  Type *wide = builder.getIntNTy(2 * type->getIntegerBitWidth());
  Value *product = builder.CreateMul(builder.CreateIntCast(left, wide, is_signed),
                                     builder.CreateIntCast(right, wide, is_signed));
  Value *result = builder.CreateTrunc(product, type);
  return {result,
          builder.CreateICmpNE(builder.CreateIntCast(result, wide, is_signed), product)};
}

Checked checked_operation(IRBuilderBase &builder, Intrinsic::ID id, Value *left, Value *right) {
  Value *zero = ConstantInt::get(left->getType(), 0);
  auto negative = [&](Value *value) { return builder.CreateICmpSLT(value, zero); };
  switch (id) {
  case Intrinsic::uadd_with_overflow:
  case Intrinsic::uadd_sat: {
    Value *sum = builder.CreateAdd(left, right);
    return {sum, builder.CreateICmpULT(sum, left)};
  }
  case Intrinsic::usub_with_overflow:
  case Intrinsic::usub_sat:
    return {builder.CreateSub(left, right), builder.CreateICmpULT(left, right)};
  case Intrinsic::sadd_with_overflow:
  case Intrinsic::sadd_sat: {
    Value *sum = builder.CreateAdd(left, right);
    return {sum, negative(builder.CreateAnd(builder.CreateXor(left, sum),
                                            builder.CreateXor(right, sum)))};
  }
  case Intrinsic::ssub_with_overflow:
  case Intrinsic::ssub_sat: {
    Value *difference = builder.CreateSub(left, right);
    return {difference, negative(builder.CreateAnd(builder.CreateXor(left, right),
                                                   builder.CreateXor(left, difference)))};
  }
  case Intrinsic::umul_with_overflow:
    return checked_multiply(builder, false, left, right);
  case Intrinsic::smul_with_overflow:
    return checked_multiply(builder, true, left, right);
  default:
    return {nullptr, nullptr};
  }
}

// What a saturating operation gives when it overflows.
Value *saturated(IRBuilderBase &builder, Intrinsic::ID id, Value *left) {
  auto *type = cast<IntegerType>(left->getType());
  unsigned width = type->getBitWidth();
  if (id == Intrinsic::uadd_sat)
    return ConstantInt::get(type, APInt::getMaxValue(width));
  if (id == Intrinsic::usub_sat)
    return ConstantInt::get(type, 0);
  return builder.CreateSelect(builder.CreateICmpSLT(left, ConstantInt::get(type, 0)),
                              ConstantInt::get(type, APInt::getSignedMinValue(width)),
                              ConstantInt::get(type, APInt::getSignedMaxValue(width)));
}

Value *funnel_shift(IRBuilderBase &builder, IntrinsicInst &call) {
  Value *high = call.getArgOperand(0), *low = call.getArgOperand(1);
  Type *type = call.getType();
  Value *width = ConstantInt::get(type, type->getIntegerBitWidth());
  Value *amount = builder.CreateURem(call.getArgOperand(2), width);
  Value *rest = builder.CreateSub(width, amount);
  bool left = call.getIntrinsicID() == Intrinsic::fshl;
  Value *shifted = left ? builder.CreateOr(builder.CreateShl(high, amount),
                                           builder.CreateLShr(low, rest))
                        : builder.CreateOr(builder.CreateShl(high, rest),
                                           builder.CreateLShr(low, amount));
  // A shift by the whole width has no defined result.
  Value *none = builder.CreateICmpEQ(amount, ConstantInt::get(type, 0));
  return builder.CreateSelect(none, left ? high : low, shifted);
}

Value *arithmetic(IRBuilderBase &builder, IntrinsicInst &call) {
  Intrinsic::ID id = call.getIntrinsicID();
  Value *left = call.getArgOperand(0);
  if (Value *result = bit_operation(builder, id, left))
    return result;
  if (id == Intrinsic::abs) {
    Value *negative = builder.CreateICmpSLT(left, ConstantInt::get(left->getType(), 0));
    return builder.CreateSelect(negative, builder.CreateNeg(left), left);
  }
  if (id == Intrinsic::fmuladd)
    return builder.CreateFAdd(builder.CreateFMul(left, call.getArgOperand(1)),
                              call.getArgOperand(2));
  if (id == Intrinsic::fshl || id == Intrinsic::fshr)
    return funnel_shift(builder, call);
  if (call.arg_size() < 2)
    return nullptr;
  Value *right = call.getArgOperand(1);
  if (Value *result = choose(builder, id, left, right))
    return result;
  Checked checked = checked_operation(builder, id, left, right);
  if (!checked.result)
    return nullptr;
  if (!call.getType()->isStructTy())
    return builder.CreateSelect(checked.overflowed, saturated(builder, id, left), checked.result);
  Value *pair = builder.CreateInsertValue(PoisonValue::get(call.getType()), checked.result, 0u);
  return builder.CreateInsertValue(pair, checked.overflowed, 1u);
}

Value *memory_function(IRBuilderBase &builder, IntrinsicInst &call) {
  const char *name = isa<MemSetInst>(call)    ? "memset"
                     : isa<MemMoveInst>(call) ? "memmove"
                     : isa<MemCpyInst>(call)  ? "memcpy"
                                              : nullptr;
  if (!name)
    return nullptr;
  Value *middle = call.getArgOperand(1);
  if (isa<MemSetInst>(call))
    middle = builder.CreateZExt(middle, builder.getInt32Ty());
  Value *size = builder.CreateZExtOrTrunc(call.getArgOperand(2), builder.getInt64Ty());
  auto function = call.getModule()->getOrInsertFunction(
      name, builder.getPtrTy(), builder.getPtrTy(), middle->getType(), builder.getInt64Ty());
  return builder.CreateCall(function, {call.getArgOperand(0), middle, size});
}

Value *mathematics(llvm_context &context, IRBuilderBase &builder, IntrinsicInst &call) {
  const char *base = library_function(call.getIntrinsicID());
  if (!base)
    return nullptr;
  Type *type = call.getArgOperand(0)->getType();
  if (!type->isFloatTy() && !type->isDoubleTy())
    return nullptr;
  std::string name = type->isFloatTy() ? std::string(base) + "f" : base;
  if (!resolve_symbol(context, name))
    return nullptr;
  SmallVector<Type *, 3> types;
  SmallVector<Value *, 3> arguments(call.args());
  for (Value *argument : arguments)
    types.push_back(argument->getType());
  auto function = call.getModule()->getOrInsertFunction(
      name, FunctionType::get(call.getType(), types, false));
  return builder.CreateCall(function, arguments);
}

Value *other(IRBuilderBase &builder, IntrinsicInst &call) {
  switch (call.getIntrinsicID()) {
  case Intrinsic::invariant_start:
    return Constant::getNullValue(call.getType());
  case Intrinsic::is_constant:
    return builder.getFalse();
  case Intrinsic::get_rounding:
    // To nearest, in the encoding of FLT_ROUNDS.
    return ConstantInt::get(call.getType(), 1);
  case Intrinsic::objectsize:
    return lowerObjectSizeCall(&call, call.getModule()->getDataLayout(), nullptr, true);
  case Intrinsic::readcyclecounter:
    return call_helper(builder, helper::cycle_counter(), builder.getInt64Ty(), {});
  case Intrinsic::trap:
  case Intrinsic::debugtrap:
  case Intrinsic::ubsantrap:
    return call_helper(builder, helper::trap(), builder.getVoidTy(), {});
  default:
    return nullptr;
  }
}

} // namespace

std::string lower_intrinsic(llvm_context &context, IntrinsicInst &call) {
  Intrinsic::ID id = call.getIntrinsicID();
  IRBuilder<> builder(&call);
  if (is_frame_intrinsic(id))
    return id == Intrinsic::frameaddress && !match(call.getArgOperand(0), PatternMatch::m_Zero())
               ? "the frame address of a caller"
               : "";
  if (is_dropped(id)) {
    call.eraseFromParent();
    return "";
  }
  Value *result = is_its_argument(id) ? call.getArgOperand(0) : nullptr;
  if (!result)
    result = memory_function(builder, call);
  if (!result)
    result = mathematics(context, builder, call);
  if (!result)
    result = other(builder, call);
  if (!result && call.arg_size() >= 1 && !call.getType()->isVoidTy())
    result = arithmetic(builder, call);
  if (!result)
    return ("the intrinsic " + call.getCalledFunction()->getName()).str();
  if (!call.getType()->isVoidTy())
    call.replaceAllUsesWith(result);
  call.eraseFromParent();
  return "";
}

} // namespace bareflow
