#include "lower.h"

#include "native_call.h"

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/LowerAtomic.h"

using namespace llvm;

namespace bareflow {

bool is_interpretable(Type *type) {
  switch (type->getTypeID()) {
  case Type::VoidTyID:
  case Type::LabelTyID:
  case Type::MetadataTyID:
  case Type::FloatTyID:
  case Type::DoubleTyID:
    return true;
  case Type::IntegerTyID:
    return type->getIntegerBitWidth() <= 64;
  case Type::PointerTyID:
    return type->getPointerAddressSpace() == 0;
  case Type::StructTyID:
  case Type::ArrayTyID:
    return all_of(type->subtypes(), is_interpretable);
  default:
    return false;
  }
}

namespace {

std::string type_reason(Type *type) {
  std::string text;
  raw_string_ostream stream(text);
  stream << "the type " << *type;
  return text;
}

void replace(Instruction &instruction, Value *value) {
  instruction.replaceAllUsesWith(value);
  instruction.eraseFromParent();
}

// Loads and stores of aggregates, element by element: the interpreter's own are of scalars.
Value *load_elements(IRBuilderBase &builder, Type *type, Value *address) {
  if (!type->isAggregateType())
    return builder.CreateLoad(type, address);
  Value *result = PoisonValue::get(type);
  unsigned count = isa<StructType>(type) ? type->getStructNumElements()
                                         : static_cast<unsigned>(type->getArrayNumElements());
  for (unsigned index = 0; index < count; ++index) {
    Value *place = builder.CreateConstInBoundsGEP2_32(type, address, 0, index);
    Type *element = GetElementPtrInst::getTypeAtIndex(type, index);
    result = builder.CreateInsertValue(result, load_elements(builder, element, place), index);
  }
  return result;
}

void store_elements(IRBuilderBase &builder, Value *value, Value *address) {
  Type *type = value->getType();
  if (!type->isAggregateType()) {
    builder.CreateStore(value, address);
    return;
  }
  unsigned count = isa<StructType>(type) ? type->getStructNumElements()
                                         : static_cast<unsigned>(type->getArrayNumElements());
  for (unsigned index = 0; index < count; ++index)
    store_elements(builder, builder.CreateExtractValue(value, index),
                   builder.CreateConstInBoundsGEP2_32(type, address, 0, index));
}

// An aggregate constant as the instructions that build it.
Value *build_aggregate(IRBuilderBase &builder, Constant *constant) {
  Type *type = constant->getType();
  if (!type->isAggregateType() || isa<UndefValue>(constant))
    return constant;
  Value *result = PoisonValue::get(type);
  for (unsigned index = 0; Constant *element = constant->getAggregateElement(index); ++index)
    result = InsertValueInst::Create(result, build_aggregate(builder, element), index, "",
                                     &*builder.GetInsertPoint());
  return result;
}

void expand_aggregate_operands(Instruction &instruction) {
  for (Use &use : instruction.operands()) {
    auto *constant = dyn_cast<Constant>(use.get());
    if (!constant || !constant->getType()->isAggregateType() || isa<UndefValue>(constant))
      continue;
    auto *phi = dyn_cast<PHINode>(&instruction);
    IRBuilder<> builder(phi ? phi->getIncomingBlock(use)->getTerminator() : &instruction);
    use.set(build_aggregate(builder, constant));
  }
}

// The interpreter sign-extends 32-bit indices only.
void widen_indices(GetElementPtrInst &address) {
  IRBuilder<> builder(&address);
  for (Use &use : address.indices()) {
    unsigned width = use->getType()->getIntegerBitWidth();
    if (width != 32 && width != 64)
      use.set(builder.CreateSExtOrTrunc(use, builder.getInt64Ty()));
  }
}

void convert_to_float(CastInst &cast) {
  IRBuilder<> builder(&cast);
  bool is_signed = cast.getOpcode() == Instruction::SIToFP;
  Value *wide = builder.CreateIntCast(cast.getOperand(0), builder.getInt64Ty(), is_signed);
  replace(cast, call_helper(builder,
                            is_signed ? helper::signed_to_float() : helper::unsigned_to_float(),
                            builder.getFloatTy(), {wide}));
}

// The interpreter hands the caller's structure to the callee; it must be a copy.
void copy_structure_arguments(Function &function) {
  for (Argument &argument : function.args()) {
    if (!argument.hasByValAttr())
      continue;
    IRBuilder<> builder(&*function.getEntryBlock().getFirstInsertionPt());
    Type *type = argument.getParamByValType();
    AllocaInst *copy = builder.CreateAlloca(type);
    argument.replaceAllUsesWith(copy);
    uint64_t size = function.getParent()->getDataLayout().getTypeAllocSize(type);
    builder.CreateMemCpy(copy, copy->getAlign(), &argument, MaybeAlign(1), size);
  }
}

std::string lower_call(llvm_context &context, CallBase &call) {
  if (auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand())) {
    // An empty one is a barrier for the compiler only.
    if (!assembly->getAsmString().empty() || !call.getType()->isVoidTy())
      return "inline assembly";
    call.eraseFromParent();
    return "";
  }
  if (auto *intrinsic = dyn_cast<IntrinsicInst>(&call))
    return lower_intrinsic(context, *intrinsic);
  if (call.hasFnAttr(Attribute::ReturnsTwice))
    return "setjmp";
  if (call.hasOperandBundles())
    return "an operand bundle";
  return unsupported_call(call);
}

std::string lower_instruction(llvm_context &context, Instruction &instruction) {
  switch (instruction.getOpcode()) {
  case Instruction::Freeze:
    replace(instruction, instruction.getOperand(0));
    return "";
  case Instruction::Fence:
    instruction.eraseFromParent();
    return "";
  case Instruction::AtomicCmpXchg:
    lowerAtomicCmpXchgInst(cast<AtomicCmpXchgInst>(&instruction));
    return "";
  case Instruction::AtomicRMW:
    lowerAtomicRMWInst(cast<AtomicRMWInst>(&instruction));
    return "";
  case Instruction::Load:
    if (instruction.getType()->isAggregateType()) {
      IRBuilder<> builder(&instruction);
      replace(instruction, load_elements(builder, instruction.getType(),
                                         cast<LoadInst>(instruction).getPointerOperand()));
    }
    return "";
  case Instruction::Store:
    if (Value *value = instruction.getOperand(0); value->getType()->isAggregateType()) {
      IRBuilder<> builder(&instruction);
      store_elements(builder, value, cast<StoreInst>(instruction).getPointerOperand());
      instruction.eraseFromParent();
    }
    return "";
  case Instruction::GetElementPtr:
    widen_indices(cast<GetElementPtrInst>(instruction));
    return "";
  case Instruction::UIToFP:
  case Instruction::SIToFP:
    if (instruction.getType()->isFloatTy())
      convert_to_float(cast<CastInst>(instruction));
    return "";
  case Instruction::Call:
    return lower_call(context, cast<CallBase>(instruction));
  case Instruction::Invoke:
    return lower_call(context, *changeToCall(cast<InvokeInst>(&instruction)));
  case Instruction::IndirectBr:
    return "a computed goto";
  case Instruction::AddrSpaceCast:
    return "an address space";
  case Instruction::VAArg:
    return "va_arg";
  case Instruction::CallBr:
    return "asm goto";
  case Instruction::Resume:
  case Instruction::LandingPad:
  case Instruction::CatchPad:
  case Instruction::CatchRet:
  case Instruction::CatchSwitch:
  case Instruction::CleanupPad:
  case Instruction::CleanupRet:
    return "exception handling";
  default:
    return "";
  }
}

std::string scan_types(Instruction &instruction) {
  if (!is_interpretable(instruction.getType()))
    return type_reason(instruction.getType());
  for (Use &use : instruction.operands()) {
    if (!is_interpretable(use->getType()))
      return type_reason(use->getType());
    if (isa<BlockAddress>(use.get()))
      return "the address of a label";
  }
  return "";
}

} // namespace

std::string make_interpretable(llvm_context &context, Function &function) {
  if (function.isVarArg())
    return "variable arguments";
  if (function.hasFnAttribute(Attribute::Naked))
    return "assembly as its whole code";
  for (Argument &argument : function.args())
    if (!is_interpretable(argument.getType()))
      return type_reason(argument.getType());
  copy_structure_arguments(function);
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (instruction.getOpcode() == Instruction::Invoke)
      if (std::string reason = lower_instruction(context, instruction); !reason.empty())
        return reason;
  removeUnreachableBlocks(function);

  // A lowering may leave instructions that want lowering too, so the list is taken first and what is
  // inserted is plain.
  SmallVector<Instruction *, 64> original;
  for (Instruction &instruction : instructions(function))
    original.push_back(&instruction);
  for (Instruction *instruction : original) {
    if (std::string reason = scan_types(*instruction); !reason.empty())
      return reason;
    expand_aggregate_operands(*instruction);
    if (std::string reason = lower_instruction(context, *instruction); !reason.empty())
      return reason;
  }
  return "";
}

} // namespace bareflow
