// What the linker and the dynamic linker do for programs elsewhere: the bounds of sections, and functions that are
// chosen when the program starts.
#include "session.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace bareflow {

// The variables of a section in one variable, where each lies as in an object's section.
static GlobalVariable *join(Module &ir, StringRef section, ArrayRef<GlobalVariable *> variables) {
  const DataLayout &layout = ir.getDataLayout();
  Type *byte = Type::getInt8Ty(ir.getContext());
  std::vector<Constant *> parts;
  std::vector<uint64_t> offsets;
  uint64_t size = 0;
  Align largest(1);
  for (GlobalVariable *variable : variables) {
    Align alignment =
        layout.getValueOrABITypeAlignment(variable->getAlign(), variable->getValueType());
    largest = std::max(largest, alignment);
    uint64_t start = alignTo(size, alignment);
    if (start != size)
      parts.push_back(Constant::getNullValue(ArrayType::get(byte, start - size)));
    parts.push_back(variable->getInitializer());
    offsets.push_back(start);
    size = start + layout.getTypeAllocSize(variable->getValueType());
  }
  Constant *contents = ConstantStruct::getAnon(ir.getContext(), parts, /*Packed=*/true);
  bool is_constant = all_of(variables, [](GlobalVariable *one) { return one->isConstant(); });
  auto *joined = new GlobalVariable(ir, contents->getType(), is_constant,
                                    GlobalValue::InternalLinkage, contents,
                                    "bareflow.section." + section);
  joined->setAlignment(largest);
  for (auto [variable, offset] : zip(variables, offsets)) {
    Constant *distance = ConstantInt::get(Type::getInt64Ty(ir.getContext()), offset);
    variable->replaceAllUsesWith(
        ConstantExpr::getInBoundsGetElementPtr(byte, joined, ArrayRef<Constant *>(distance)));
    variable->eraseFromParent();
  }
  return joined;
}

void define_section_bounds(Module &ir) {
  struct Bounds {
    GlobalVariable *start = nullptr, *stop = nullptr;
  };
  MapVector<StringRef, Bounds> wanted;
  for (GlobalVariable &variable : ir.globals()) {
    StringRef name = variable.getName();
    if (!variable.isDeclaration())
      continue;
    if (name.consume_front("__start_"))
      wanted[name].start = &variable;
    else if (name.consume_front("__stop_"))
      wanted[name].stop = &variable;
  }
  for (auto &[section, bounds] : wanted) {
    std::vector<GlobalVariable *> variables;
    for (GlobalVariable &variable : ir.globals())
      if (variable.hasInitializer() && variable.getSection() == section)
        variables.push_back(&variable);
    // As for a linker: what is in no section is not defined.
    if (variables.empty())
      continue;
    std::string name = section.str();
    removeFromUsedLists(ir, [&](Constant *used) {
      return is_contained(variables, used->stripPointerCasts());
    });
    GlobalVariable *joined = join(ir, name, variables);
    uint64_t size = ir.getDataLayout().getTypeAllocSize(joined->getValueType());
    Type *byte = Type::getInt8Ty(ir.getContext());
    Constant *distance = ConstantInt::get(Type::getInt64Ty(ir.getContext()), size);
    if (bounds.start) {
      bounds.start->replaceAllUsesWith(joined);
      bounds.start->eraseFromParent();
    }
    if (bounds.stop) {
      bounds.stop->replaceAllUsesWith(
          ConstantExpr::getInBoundsGetElementPtr(byte, joined, ArrayRef<Constant *>(distance)));
      bounds.stop->eraseFromParent();
    }
  }
}

// Attributes of parameters belong to the calling convention, and only calls have them.
static AttributeList attributes_of_calls(GlobalIFunc &indirect) {
  for (User *user : indirect.users())
    if (auto *call = dyn_cast<CallBase>(user); call && call->getCalledOperand() == &indirect)
      return call->getAttributes();
  return AttributeList();
}

// A function in the place of the indirect one, which goes on in what its resolver has chosen.
static Function *make_jump(Module &ir, GlobalIFunc &indirect, GlobalVariable &target) {
  auto *type = cast<FunctionType>(indirect.getValueType());
  auto *jump = Function::Create(type, indirect.getLinkage(), "", ir);
  AttributeList attributes = attributes_of_calls(indirect);
  jump->setAttributes(attributes.removeFnAttributes(ir.getContext()));
  IRBuilder<> builder(BasicBlock::Create(ir.getContext(), "", jump));
  SmallVector<Value *> arguments(make_pointer_range(jump->args()));
  CallInst *call = builder.CreateCall(type, builder.CreateLoad(target.getValueType(), &target),
                                      arguments);
  call->setAttributes(jump->getAttributes());
  call->setTailCallKind(CallInst::TCK_MustTail);
  if (type->getReturnType()->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(call);
  return jump;
}

void resolve_indirect_functions(Module &ir) {
  LLVMContext &context = ir.getContext();
  auto *pointer = PointerType::getUnqual(context);
  for (GlobalIFunc &indirect : make_early_inc_range(ir.ifuncs())) {
    std::string name = indirect.getName().str();
    auto *target = new GlobalVariable(ir, pointer, false, GlobalValue::InternalLinkage,
                                      ConstantPointerNull::get(pointer), name + ".target");
    auto *choose = Function::Create(FunctionType::get(Type::getVoidTy(context), false),
                                    GlobalValue::InternalLinkage, name + ".choose", ir);
    IRBuilder<> builder(BasicBlock::Create(context, "", choose));
    auto *type = FunctionType::get(pointer, false);
    builder.CreateStore(builder.CreateCall(type, indirect.getResolver()), target);
    builder.CreateRetVoid();
    // Before everything that may call it.
    appendToGlobalCtors(ir, choose, 0);
    Function *jump = make_jump(ir, indirect, *target);
    indirect.replaceAllUsesWith(jump);
    jump->takeName(&indirect);
    indirect.eraseFromParent();
  }
}

} // namespace bareflow
