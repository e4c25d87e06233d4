// Before LLVM 18, integers of more than 64 bits were aligned to 8 bytes in memory; now it is 16. Reading an
// older module changes its data layout, and with it where the parts of its structures lie: what its compiler
// wrote as constants and offsets no longer fits. Here such integers, where they are parts of something in
// memory, become arrays of words, which lie where the older layout has them.
#include "session.h"

#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

namespace bareflow {
namespace {

constexpr unsigned word_bits = 64;

class AlignmentKeeper {
public:
  explicit AlignmentKeeper(Module &ir) : ir(ir), word(Type::getInt64Ty(ir.getContext())) {}

  void run() {
    for (GlobalVariable &variable : make_early_inc_range(ir.globals()))
      keep(variable);
    for (Function &function : ir) {
      function.setAttributes(keep(function.getAttributes()));
      for (Instruction &instruction : instructions(function))
        keep(instruction);
    }
  }

private:
  // As a part of something in memory.
  Type *part(Type *type) {
    if (auto *integer = dyn_cast<IntegerType>(type);
        integer && integer->getBitWidth() > word_bits)
      return ArrayType::get(word, divideCeil(integer->getBitWidth(), word_bits));
    if (auto *array = dyn_cast<ArrayType>(type))
      return ArrayType::get(part(array->getElementType()), array->getNumElements());
    auto *structure = dyn_cast<StructType>(type);
    if (!structure || structure->isOpaque())
      return type;
    SmallVector<Type *, 8> parts;
    for (Type *element : structure->elements())
      parts.push_back(part(element));
    return structure->elements() == ArrayRef<Type *>(parts)
               ? type
               : StructType::get(ir.getContext(), parts, structure->isPacked());
  }

  // As a whole: an integer by itself has the alignment that is written down.
  Type *whole(Type *type) { return type->isIntegerTy() ? type : part(type); }

  // The same constant with the addresses in it as they were.
  Constant *keep(Constant *constant) {
    if (isa<GlobalValue>(constant) || isa<BlockAddress>(constant) || !constant->getNumOperands())
      return constant;
    SmallVector<Constant *, 8> operands;
    for (Use &use : constant->operands())
      operands.push_back(keep(cast<Constant>(use.get())));
    if (auto *address = dyn_cast<GEPOperator>(constant))
      return ConstantExpr::getGetElementPtr(part(address->getSourceElementType()), operands[0],
                                            ArrayRef<Constant *>(operands).drop_front(),
                                            address->isInBounds(), address->getInRangeIndex());
    if (auto *expression = dyn_cast<ConstantExpr>(constant))
      return expression->getWithOperands(operands);
    if (auto *structure = dyn_cast<ConstantStruct>(constant))
      return ConstantStruct::get(structure->getType(), operands);
    if (auto *array = dyn_cast<ConstantArray>(constant))
      return ConstantArray::get(array->getType(), operands);
    if (isa<ConstantVector>(constant))
      return ConstantVector::get(operands);
    return constant;
  }

  // A constant as a part of something in memory, of that part's type.
  Constant *part_of(Constant *constant, Type *type) {
    if (constant->getType() == type)
      return keep(constant);
    if (isa<PoisonValue>(constant))
      return PoisonValue::get(type);
    if (isa<UndefValue>(constant))
      return UndefValue::get(type);
    if (constant->isNullValue())
      return Constant::getNullValue(type);
    if (auto *number = dyn_cast<ConstantInt>(constant)) {
      auto *words = cast<ArrayType>(type);
      APInt value = number->getValue().zext(words->getNumElements() * word_bits);
      return ConstantDataArray::get(
          ir.getContext(), ArrayRef(value.getRawData(), words->getNumElements()));
    }
    SmallVector<Constant *, 8> parts;
    for (unsigned index = 0; Constant *element = constant->getAggregateElement(index); ++index)
      parts.push_back(part_of(element, GetElementPtrInst::getTypeAtIndex(type, index)));
    if (auto *structure = dyn_cast<StructType>(type))
      return ConstantStruct::get(structure, parts);
    return ConstantArray::get(cast<ArrayType>(type), parts);
  }

  void keep(GlobalVariable &variable) {
    Type *type = whole(variable.getValueType());
    Constant *value = variable.hasInitializer() ? part_of(variable.getInitializer(), type) : nullptr;
    if (type == variable.getValueType()) {
      variable.setInitializer(value);
      return;
    }
    auto *kept = new GlobalVariable(ir, type, variable.isConstant(), variable.getLinkage(), value, "",
                                    &variable, variable.getThreadLocalMode(),
                                    variable.getAddressSpace());
    kept->copyAttributesFrom(&variable);
    kept->setComdat(variable.getComdat());
    kept->takeName(&variable);
    variable.replaceAllUsesWith(kept);
    variable.eraseFromParent();
  }

  AttributeList keep(AttributeList attributes) {
    for (unsigned index : attributes.indexes())
      for (auto kind : {Attribute::ByVal, Attribute::ByRef, Attribute::StructRet})
        if (Attribute attribute = attributes.getAttributeAtIndex(index, kind);
            attribute.isValid())
          attributes = attributes.replaceAttributeTypeAtIndex(
              ir.getContext(), index, kind, whole(attribute.getValueAsType()));
    return attributes;
  }

  void keep(Instruction &instruction) {
    for (Use &use : instruction.operands())
      if (auto *constant = dyn_cast<Constant>(use.get()))
        use.set(keep(constant));
    if (auto *address = dyn_cast<GetElementPtrInst>(&instruction)) {
      address->setSourceElementType(part(address->getSourceElementType()));
      address->setResultElementType(part(address->getResultElementType()));
    } else if (auto *place = dyn_cast<AllocaInst>(&instruction)) {
      place->setAllocatedType(whole(place->getAllocatedType()));
    } else if (auto *call = dyn_cast<CallBase>(&instruction)) {
      call->setAttributes(keep(call->getAttributes()));
    }
  }

  Module &ir;
  Type *word;
};

} // namespace

void keep_old_layout(Module &ir) { AlignmentKeeper(ir).run(); }

} // namespace bareflow
