// Static constructors and destructors: llvm.global_ctors and llvm.global_dtors, and what the program
// puts into an object's .preinit_array, .init_array and .fini_array, run by the library itself.
#include "program.h"
#include "recovery.h"
#include "session.h"

#include "llvm/IR/Constants.h"

using namespace llvm;

namespace bareflow {

// The priority of what has none: the last constructors and the first destructors.
constexpr unsigned no_priority = 65535;

static llvm_error_t add_function(llvm_module &module, unsigned priority, Constant &target,
                                 StringRef place, std::vector<LifetimeFunction> &functions) {
  auto *function = dyn_cast<Function>(target.stripPointerCasts());
  if (!function)
    return fail(*module.context, LLVM_ERROR_MALFORMED_IR,
                module.name + ": an entry of " + place + " is not a function");
  if (!function->hasName())
    function->setName("bareflow.lifetime");
  if (!function->isDeclaration())
    make_external(*function);
  functions.push_back({priority, function->getName().str()});
  return LLVM_OK;
}

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
      if (llvm_error_t error = add_function(module, priority->getZExtValue(), *target, list,
                                            functions))
        return error;
    }
  variable->eraseFromParent();
  return LLVM_OK;
}

// Adds the functions in variables whose section is `name`, or that with a number, which is the
// priority: "ELF Handling of Initialization and Termination Functions" (System V ABI, chapter 5), and
// the linkers' SORT_BY_INIT_PRIORITY. The variables stay: the program may read them.
static llvm_error_t add_section(llvm_module &module, StringRef name,
                                std::vector<LifetimeFunction> &functions) {
  for (GlobalVariable &variable : module.ir->globals()) {
    StringRef section = variable.getSection();
    if (!variable.hasInitializer() || !section.consume_front(name))
      continue;
    unsigned priority = no_priority;
    if (!section.empty() && (!section.consume_front(".") || section.getAsInteger(10, priority)))
      continue;
    Constant *contents = variable.getInitializer();
    unsigned count = contents->getType()->isArrayTy() ? contents->getType()->getArrayNumElements()
                                                      : 1;
    for (unsigned index = 0; index < count; ++index) {
      Constant *entry =
          contents->getType()->isArrayTy() ? contents->getAggregateElement(index) : contents;
      if (!entry || entry->isNullValue())
        continue;
      if (llvm_error_t error = add_function(module, priority, *entry, name, functions))
        return error;
    }
  }
  return LLVM_OK;
}

llvm_error_t collect_lifetime_functions(llvm_module &module) {
  if (llvm_error_t error = take_list(module, "llvm.global_ctors", module.constructors))
    return error;
  if (llvm_error_t error = take_list(module, "llvm.global_dtors", module.destructors))
    return error;
  if (llvm_error_t error = add_section(module, ".init_array", module.constructors))
    return error;
  if (llvm_error_t error = add_section(module, ".fini_array", module.destructors))
    return error;
  auto by_priority = [](const LifetimeFunction &left, const LifetimeFunction &right) {
    return left.priority < right.priority;
  };
  // Constructors run in ascending order of priority, destructors in the opposite order.
  std::stable_sort(module.constructors.begin(), module.constructors.end(), by_priority);
  std::stable_sort(module.destructors.begin(), module.destructors.end(), by_priority);
  std::reverse(module.destructors.begin(), module.destructors.end());
  std::vector<LifetimeFunction> earliest;
  if (llvm_error_t error = add_section(module, ".preinit_array", earliest))
    return error;
  module.constructors.insert(module.constructors.begin(), earliest.begin(), earliest.end());
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
