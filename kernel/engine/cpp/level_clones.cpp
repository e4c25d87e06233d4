// A program compiled a second time, at another level, keeps one copy of the data and one address per
// function.
#include "arch/arch.h"
#include "session.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace bareflow {

std::unique_ptr<Module> clone(const Module &ir) {
  ValueToValueMapTy map;
  return clone(ir, map);
}

std::unique_ptr<Module> clone(const Module &ir, ValueToValueMapTy &map) {
  return clone(ir, map, [](const GlobalValue *) { return true; });
}

std::unique_ptr<Module> clone(const Module &ir, ValueToValueMapTy &map,
                              function_ref<bool(const GlobalValue *)> is_defined) {
  std::unique_ptr<Module> copy = CloneModule(ir, map, is_defined);
  for (Function &function : *copy)
    for (User *user : make_early_inc_range(function.users())) {
      auto *label = dyn_cast<BlockAddress>(user);
      if (!label || label->getBasicBlock()->getParent() == &function)
        continue;
      auto *block = cast<BasicBlock>(map.lookup(label->getBasicBlock()));
      label->replaceAllUsesWith(BlockAddress::get(&function, block));
      label->destroyConstant();
    }
  return copy;
}

bool is_compiled_once(const Function &function) {
  return function.hasFnAttribute(Attribute::Naked) ||
         arch::is_interrupt_handler(function) ||
         any_of(function, [](const BasicBlock &block) { return block.hasAddressTaken(); });
}

static void turn_into_declaration(GlobalVariable &variable) {
  variable.setInitializer(nullptr);
  make_external(variable);
}

// Renames the definition. What takes the function's address keeps the name, and with it the address
// of the first compile; calls follow the definition.
static void rename_definition(Function &function, StringRef suffix) {
  std::string name = function.getName().str();
  function.setName(name + suffix);
  auto *first = Function::Create(function.getFunctionType(), GlobalValue::ExternalLinkage,
                                 function.getAddressSpace(), name, function.getParent());
  first->setDSOLocal(true);
  first->copyAttributesFrom(&function);
  first->setPersonalityFn(nullptr);
  function.replaceUsesWithIf(first, [](Use &use) {
    auto *call = dyn_cast<CallBase>(use.getUser());
    return !call || !call->isCallee(&use);
  });
  make_external(function);
  if (first->use_empty())
    first->eraseFromParent();
}

std::unique_ptr<Module> clone_for_level(llvm_module &module, StringRef suffix) {
  std::unique_ptr<Module> copy = clone(*module.ir);
  copy->setModuleInlineAsm("");
  for (GlobalVariable &variable : make_early_inc_range(copy->globals())) {
    if (variable.hasAppendingLinkage())
      variable.eraseFromParent();
    else if (!variable.isDeclaration() && !variable.hasLocalLinkage())
      turn_into_declaration(variable);
  }
  for (Function &function : make_early_inc_range(*copy))
    if (is_compiled_once(function))
      function.deleteBody();
    else if (!function.isDeclaration() && !function.hasLocalLinkage())
      rename_definition(function, suffix);
  return copy;
}

} // namespace bareflow
