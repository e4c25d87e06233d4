// Static constructors and destructors: llvm.global_ctors and llvm.global_dtors, run by the library
// itself instead of by an object's .init_array.
#include "program.h"
#include "recovery.h"
#include "session.h"

#include "llvm/IR/Constants.h"

using namespace llvm;

namespace bareflow {

// Takes the list out of the module. Its form: LLVM Language Reference, "The 'llvm.global_ctors'
// Global Variable": an array of { i32 priority, ptr function, ptr associated data }.
static llvm_error_t take_list(llvm_module &module, StringRef list,
                              std::vector<LifetimeFunction> &functions) {
  GlobalVariable *variable = module.ir->getNamedGlobal(list);
  if (!variable)
    return LLVM_OK;
  if (auto *entries = variable->hasInitializer()
                          ? dyn_cast<ConstantArray>(variable->getInitializer())
                          : nullptr)
    for (Value *operand : entries->operands()) {
      auto *entry = cast<Constant>(operand);
      auto *priority = dyn_cast_or_null<ConstantInt>(entry->getAggregateElement(0u));
      Constant *target = entry->getAggregateElement(1u);
      if (!priority || !target || target->isNullValue())
        continue;
      auto *function = dyn_cast<Function>(target->stripPointerCasts());
      if (!function)
        return fail(*module.context, LLVM_ERROR_MALFORMED_IR,
                    module.name + ": an entry of " + list + " is not a function");
      if (!function->hasName())
        function->setName("bareflow.lifetime");
      if (!function->isDeclaration())
        make_external(*function);
      functions.push_back(
          {static_cast<unsigned>(priority->getZExtValue()), function->getName().str()});
    }
  variable->eraseFromParent();
  return LLVM_OK;
}

llvm_error_t collect_lifetime_functions(llvm_module &module) {
  if (llvm_error_t error = take_list(module, "llvm.global_ctors", module.constructors))
    return error;
  if (llvm_error_t error = take_list(module, "llvm.global_dtors", module.destructors))
    return error;
  auto by_priority = [](const LifetimeFunction &left, const LifetimeFunction &right) {
    return left.priority < right.priority;
  };
  // Constructors run in ascending order of priority, destructors in the opposite order.
  std::stable_sort(module.constructors.begin(), module.constructors.end(), by_priority);
  std::stable_sort(module.destructors.begin(), module.destructors.end(), by_priority);
  std::reverse(module.destructors.begin(), module.destructors.end());
  return LLVM_OK;
}

} // namespace bareflow

using namespace bareflow;

llvm_error_t llvm_run_constructors(llvm_module_t *module) {
  if (!module)
    return LLVM_ERROR_INVALID_ARGUMENT;
  llvm_context *context = module->context;
  return enter(context, [&]() -> llvm_error_t {
    if (!module->data_placed)
      return fail(*context, LLVM_ERROR_NOT_COMPILED, "llvm_run_constructors: not compiled");
    if (std::exchange(module->constructors_ran, true))
      return LLVM_OK;
    std::vector<void *> addresses;
    if (llvm_error_t error = find_lifetime_functions(*module, module->constructors, addresses))
      return error;
    int status = 0;
    return run_program(*context, Running::native_program, status, [&] {
      call_all(addresses);
      return 0;
    });
  });
}
