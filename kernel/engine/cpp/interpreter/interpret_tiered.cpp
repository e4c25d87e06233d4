// The interpreter as one tier among others: functions are interpreted until they have native code.
#include "interpret.h"
#include "lower.h"

#include "../tiered/tiered.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace bareflow {

// The data is placed already. What refers to a function must not keep large tables from being forgotten:
// each change of such a reference would make a new table.
static void forget_initial_values(Module &module) {
  for (GlobalVariable &variable : module.globals())
    if (!variable.hasAppendingLinkage())
      variable.setInitializer(nullptr);
  for (Function &function : module)
    function.removeDeadConstantUsers();
}

// A function's address is that of its stub, and so is the target of a call through another prototype.
static void take_stub_addresses(Linker &linker, Function &function) {
  Type *word = Type::getInt64Ty(function.getContext());
  Constant *stub = ConstantExpr::getIntToPtr(
      ConstantInt::get(word, linker.find(function.getName())), function.getType());
  function.replaceUsesWithIf(stub, [&](Use &use) {
    auto *call = dyn_cast<CallBase>(use.getUser());
    return !call || !call->isCallee(&use) ||
           call->getFunctionType() != function.getFunctionType();
  });
}

// How many instructions are made ready for the interpreter: most of a large program's never run, and compiling the
// functions that do run takes less than making all of them interpretable.
constexpr unsigned interpreted_budget = 10000;

// Functions that direct calls lead to from `main` and from static constructors, nearest first. All others are entered by
// their addresses, those of stubs: in native code, which never comes back to the interpreter.
static DenseSet<const Function *> find_interpreted(const llvm_module &module) {
  DenseSet<const Function *> found;
  std::deque<const Function *> open;
  auto start_from = [&](StringRef name) {
    const Function *function = module.ir->getFunction(name);
    if (function && found.insert(function).second)
      open.push_back(function);
  };
  start_from("main");
  for (const LifetimeFunction &constructor : module.constructors)
    start_from(constructor.name);
  unsigned budget = interpreted_budget;
  for (; !open.empty(); open.pop_front())
    for (const Instruction &instruction : instructions(*open.front())) {
      auto *call = dyn_cast<CallBase>(&instruction);
      const Function *callee = call ? call->getCalledFunction() : nullptr;
      if (!callee || callee->isDeclaration() || has_numbered_labels(*callee) ||
          found.contains(callee))
        continue;
      unsigned size = callee->getInstructionCount();
      if (size > budget)
        continue;
      budget -= size;
      found.insert(callee);
      open.push_back(callee);
    }
  return found;
}

// Makes a clone in which every function is interpreted that can be and may be called there, counts, and goes to
// native code when there is some. Most functions of a large program are not in it.
static llvm_error_t make_interpreted(llvm_tiered &program, std::unique_ptr<Module> &result,
                                     std::deque<Signature> &signatures) {
  Compiler &compiler = *program.compiler;
  llvm_module &module = compiler.module;
  llvm_context &context = *module.context;
  ValueToValueMapTy map;
  DenseSet<const Function *> chosen = find_interpreted(module);
  std::unique_ptr<Module> interpreted = clone(*module.ir, map, [&](const GlobalValue *value) {
    auto *function = dyn_cast<Function>(value);
    return !function || chosen.contains(function) || is_compiled_once(*function);
  });
  for (Unit &unit : compiler.units) {
    if (unit.is_loop() || !chosen.contains(unit.function))
      continue;
    auto *copy = cast<Function>(map.lookup(unit.function));
    Instrumentation how{context, compiler.units, compiler.counters, LLVM_TIER_INTERPRETER,
                        /*is_native=*/false};
    count_iterations(how, unit, *copy, map);
    measure_cycles(how, unit, *copy);
    count_calls(how, unit, *copy);
    prefer_native(unit, *copy, reinterpret_cast<uint64_t>(program.slots + unit.index),
                  program.no_code(unit.index));
  }
  forget_initial_values(*interpreted);
  for (Function &function : *interpreted) {
    if (function.isDeclaration())
      continue;
    if (is_compiled_once(function) || has_numbered_labels(function) ||
        !make_interpretable(context, function).empty())
      function.deleteBody();
    else
      take_stub_addresses(compiler.linker, function);
  }
  auto find = [&](StringRef name, void *&address) -> llvm_error_t {
    address = reinterpret_cast<void *>(compiler.linker.find(name));
    return LLVM_OK;
  };
  if (llvm_error_t error = finish_interpreted(context, *interpreted, signatures, find))
    return error;
  result = std::move(interpreted);
  return LLVM_OK;
}

// Those of the first run that were made interpretable, and take nothing, are interpreted.
static std::vector<Constructor> constructors_of(llvm_tiered &program, Module &interpreted) {
  std::vector<Constructor> found;
  ArrayRef<LifetimeFunction> names = program.compiler->module.constructors;
  for (auto [index, address] : enumerate(take_constructors(program))) {
    Function *function = interpreted.getFunction(names[index].name);
    bool is_interpretable = function && !function->isDeclaration() && function->arg_empty();
    found.push_back({address, is_interpretable ? function : nullptr});
  }
  return found;
}

llvm_error_t run_tiered_interpreter(llvm_tiered &program, ArrayRef<void *> arguments,
                                    int &status) {
  std::unique_ptr<Module> interpreted;
  std::deque<Signature> signatures;
  if (llvm_error_t error = make_interpreted(program, interpreted, signatures))
    return error;
  Function *main = interpreted->getFunction("main");
  if (main->isDeclaration())
    return run_compiled(program, arguments, status);
  std::vector<Constructor> constructors = constructors_of(program, *interpreted);
  return interpret_main(*program.compiler->module.context, std::move(interpreted), main,
                        constructors, arguments, /*may_compile=*/true, status);
}

} // namespace bareflow
