// What a program may come to.
#include "tiered.h"

using namespace llvm;
using namespace bareflow;

namespace {

// Everything that its roots refer to, and what that refers to.
class Reached {
public:
  void add(const Value *value) {
    if (isa_and_nonnull<Constant>(value) && seen.insert(value).second)
      open.push_back(cast<Constant>(value));
  }

  void follow() {
    while (!open.empty()) {
      const Constant *next = open.pop_back_val();
      for (const Value *operand : next->operand_values())
        add(operand);
      if (auto *function = dyn_cast<Function>(next))
        for (const BasicBlock &block : *function)
          for (const Instruction &instruction : block)
            for (const Value *operand : instruction.operand_values())
              add(operand);
    }
  }

  bool has(const Function *function) const { return seen.contains(function); }

private:
  DenseSet<const Value *> seen;
  SmallVector<const Constant *, 32> open;
};

} // namespace

llvm_error_t llvm_tiered_find_reachable(llvm_tiered_t *program, unsigned char *reachable) {
  if (!program || !program->compiler || !reachable)
    return LLVM_ERROR_INVALID_ARGUMENT;
  Compiler &compiler = *program->compiler;
  const llvm_module &module = compiler.module;
  return enter(module.context, [&]() -> llvm_error_t {
    Reached reached;
    reached.add(module.ir->getFunction("main"));
    for (auto *functions : {&module.constructors, &module.destructors})
      for (const LifetimeFunction &function : *functions)
        reached.add(module.ir->getFunction(function.name));
    // The module's own assembly names what it refers to.
    for (auto &name : module.wanted_by_assembly)
      reached.add(module.ir->getNamedValue(name.first()));
    reached.follow();
    for (const Unit &unit : compiler.units)
      reachable[unit.index] = reached.has(unit.function);
    return LLVM_OK;
  });
}
