// A program compiled a second time, at another level, keeps one copy of the data and one address per
// function.
#include "session.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace bareflow {

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
    if (isa<BlockAddress>(use.getUser()))
      return false;
    auto *call = dyn_cast<CallBase>(use.getUser());
    return !call || !call->isCallee(&use);
  });
  make_external(function);
  if (first->use_empty())
    first->eraseFromParent();
}

std::unique_ptr<Module> clone_for_level(llvm_module &module, StringRef suffix) {
  std::unique_ptr<Module> clone = CloneModule(*module.ir);
  for (GlobalVariable &variable : make_early_inc_range(clone->globals())) {
    if (variable.hasAppendingLinkage())
      variable.eraseFromParent();
    else if (!variable.isDeclaration() && !variable.hasLocalLinkage())
      turn_into_declaration(variable);
  }
  for (Function &function : make_early_inc_range(*clone))
    if (!function.isDeclaration() && !function.hasLocalLinkage())
      rename_definition(function, suffix);
  return clone;
}

} // namespace bareflow
