#include "interpret.h"

#include "llvm/Analysis/ConstantFolding.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Support/DynamicLibrary.h"

using namespace llvm;

namespace bareflow {
namespace {

class Rewriter {
public:
  Rewriter(llvm_context &context, Module &interpreted, std::deque<Signature> &signatures,
           AddressFinder find)
      : context(context), ir(interpreted), signatures(signatures), find(find) {}

  llvm_error_t run() {
    for (Function &function : ir)
      for (Instruction &instruction : make_early_inc_range(instructions(function)))
        if (auto *call = dyn_cast<CallInst>(&instruction))
          redirect(*call);
    for (Function &function : ir)
      if (function.isDeclaration() && !is_bridge(function))
        if (llvm_error_t error = replace_by_address(function))
          return error;
    for (GlobalVariable &variable : make_early_inc_range(ir.globals())) {
      if (variable.hasAppendingLinkage())
        variable.eraseFromParent();
      else if (llvm_error_t error = replace_by_address(variable))
        return error;
    }
    fold_constants();
    // Initialisers may still refer to one another.
    for (GlobalVariable &variable : ir.globals())
      variable.setInitializer(nullptr);
    for (GlobalVariable &variable : make_early_inc_range(ir.globals()))
      if (variable.use_empty())
        variable.eraseFromParent();
    return LLVM_OK;
  }

private:
  static bool is_bridge(Function &function) {
    return function.getName().starts_with("bareflow.call.");
  }

  // One declaration per function type: the interpreter finds external functions by name, and gives
  // the handler nothing but the type and the arguments.
  Function *bridge(FunctionType *type) {
    Function *&bridge = bridges[type];
    if (!bridge) {
      std::string name = "bareflow.call." + std::to_string(bridges.size());
      bridge = Function::Create(type, GlobalValue::ExternalLinkage, name, ir);
      sys::DynamicLibrary::AddSymbol("lle_X_" + name, reinterpret_cast<void *>(call_native));
    }
    return bridge;
  }

  void redirect(CallInst &call) {
    Function *callee = call.getCalledFunction();
    if (callee && !callee->isDeclaration())
      return;
    signatures.push_back(signature_of(call, ir.getDataLayout()));
    IRBuilder<> builder(&call);
    SmallVector<Value *, 8> arguments{
        builder.getInt64(reinterpret_cast<uint64_t>(&signatures.back())),
        call.getCalledOperand()};
    arguments.append(call.arg_begin(), call.arg_end());
    SmallVector<Type *, 8> types;
    for (Value *argument : arguments)
      types.push_back(argument->getType());
    CallInst *redirected =
        builder.CreateCall(bridge(FunctionType::get(call.getType(), types, false)), arguments);
    call.replaceAllUsesWith(redirected);
    call.eraseFromParent();
  }

  llvm_error_t replace_by_address(GlobalValue &value) {
    if (value.use_empty())
      return LLVM_OK;
    void *address = nullptr;
    StringRef name = value.getName();
    name.consume_front("\1");
    bool absent = value.hasExternalWeakLinkage() && !resolve_symbol(context, name);
    if (!absent)
      if (llvm_error_t error = find(name, address))
        return error;
    Type *word = Type::getInt64Ty(ir.getContext());
    value.replaceAllUsesWith(ConstantExpr::getIntToPtr(
        ConstantInt::get(word, reinterpret_cast<uint64_t>(address)), value.getType()));
    return LLVM_OK;
  }

  // The interpreter evaluates a constant expression each time that it is used.
  void fold_constants() {
    for (Function &function : ir)
      for (Instruction &instruction : instructions(function))
        for (Use &use : instruction.operands())
          if (auto *expression = dyn_cast<ConstantExpr>(use.get()))
            use.set(ConstantFoldConstant(expression, ir.getDataLayout()));
  }

  llvm_context &context;
  Module &ir;
  std::deque<Signature> &signatures;
  AddressFinder find;
  DenseMap<FunctionType *, Function *> bridges;
};

} // namespace

llvm_error_t refer_to_native(llvm_context &context, Module &interpreted,
                             std::deque<Signature> &signatures, AddressFinder find) {
  return Rewriter(context, interpreted, signatures, find).run();
}

} // namespace bareflow
