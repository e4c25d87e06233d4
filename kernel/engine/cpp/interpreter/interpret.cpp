#include "interpret.h"
#include "lower.h"

#include "llvm-c/ExecutionEngine.h"
#include "llvm/ExecutionEngine/ExecutionEngine.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/PassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Mem2Reg.h"

#include <map>

using namespace llvm;

namespace bareflow {

void promote_variables(Module &ir) {
  FunctionAnalysisManager analyses;
  PassBuilder builder;
  builder.registerFunctionAnalyses(analyses);
  PromotePass promote;
  for (Function &function : ir)
    if (!function.isDeclaration())
      promote.run(function, analyses);
}

namespace {

// Which functions of a program are native, by name.
class NativeSet {
public:
  void add(Function &function) {
    if (function.isDeclaration() || !names.insert(function.getName()).second)
      return;
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallBase>(&instruction))
        if (Function *callee = call->getCalledFunction())
          add(*callee);
  }

  bool contains(StringRef name) const { return names.contains(name); }

private:
  StringSet<> names;
};

// A call through a prototype that the definition does not have: native code copes as C does.
bool called_otherwise(Function &function) {
  return any_of(function.uses(), [&](Use &use) {
    auto *call = dyn_cast<CallBase>(use.getUser());
    return call && call->isCallee(&use) &&
           call->getFunctionType() != function.getFunctionType();
  });
}

NativeSet choose_native(llvm_module &module, Module &interpreted) {
  std::map<std::string, std::string> reasons;
  for (Function &function : interpreted)
    if (!function.isDeclaration())
      if (std::string reason = make_interpretable(*module.context, function); !reason.empty())
        reasons[function.getName().str()] = reason;
  NativeSet native;
  for (Function &function : *module.ir) {
    auto reason = reasons.find(function.getName().str());
    if (reason != reasons.end())
      note(*module.context, "function '" + function.getName() + "' uses " + reason->second +
                                ", which the interpreter cannot run: compiled at O0");
    if (reason != reasons.end() || function.hasAddressTaken() || called_otherwise(function) ||
        module.wanted_by_assembly.contains(function.getName()))
      native.add(function);
  }
  for (auto *list : {&module.constructors, &module.destructors})
    for (LifetimeFunction &lifetime : *list)
      native.add(*module.ir->getFunction(lifetime.name));
  return native;
}

// Compiles the native functions and all data at the lowest level, as the module's first compile.
llvm_error_t place_native(llvm_module &module, const NativeSet &native) {
  if (module.data_placed)
    return LLVM_OK;
  for (Function &function : *module.ir)
    if (native.contains(function.getName()) && function.hasLocalLinkage())
      make_external(function);
  std::unique_ptr<Module> copy = clone(*module.ir);
  for (Function &function : *copy)
    if (!function.isDeclaration() && !native.contains(function.getName()))
      function.deleteBody();
  for (GlobalVariable &variable : copy->globals())
    if (variable.hasLocalLinkage())
      make_external(variable);
  llvm_level_t level = 0;
  auto object = emit_object_from(*module.context, *copy, level);
  if (!object)
    return fail(*module.context, LLVM_ERROR_MALFORMED_IR,
                module.name + ": " + toString(object.takeError()));
  if (llvm_error_t error = add_object(module, std::move(*object)))
    return error;
  module.data_placed = true;
  return LLVM_OK;
}

llvm_error_t make_interpreted(llvm_module &module, std::unique_ptr<Module> &result,
                              std::deque<Signature> &signatures) {
  std::unique_ptr<Module> interpreted = clone(*module.ir);
  NativeSet native = choose_native(module, *interpreted);
  if (llvm_error_t error = place_native(module, native))
    return error;
  for (Function &function : *interpreted)
    if (native.contains(function.getName()))
      function.deleteBody();
  auto find = [&](StringRef name, void *&address) { return find_symbol(module, name, address); };
  if (llvm_error_t error = finish_interpreted(*module.context, *interpreted, signatures, find))
    return error;
  result = std::move(interpreted);
  return LLVM_OK;
}

std::vector<GenericValue> main_arguments(Function &main, ArrayRef<void *> arguments) {
  std::vector<GenericValue> values(main.arg_size());
  for (size_t index = 0; index < values.size(); ++index) {
    if (index == 0)
      values[0].IntVal = APInt(32, reinterpret_cast<uintptr_t>(arguments[0]));
    else
      values[index].PointerVal = arguments[index];
  }
  return values;
}

} // namespace

llvm_error_t finish_interpreted(llvm_context &context, Module &interpreted,
                                std::deque<Signature> &signatures, AddressFinder find) {
  promote_variables(interpreted);
  make_frames(interpreted);
  if (llvm_error_t error = refer_to_native(context, interpreted, signatures, find))
    return error;
  std::string broken;
  raw_string_ostream stream(broken);
  if (verifyModule(interpreted, &stream))
    return fail(context, LLVM_ERROR_INTERNAL,
                "the program was not made interpretable correctly: " + broken);
  return LLVM_OK;
}

llvm_error_t interpret_main(llvm_context &context, std::unique_ptr<Module> interpreted,
                            Function *main, ArrayRef<Constructor> constructors,
                            ArrayRef<void *> arguments, bool may_compile, int &status) {
  LLVMLinkInInterpreter();
  std::string text;
  std::unique_ptr<ExecutionEngine> engine;
  {
    // It lives and grows while the program runs.
    ProgramMemory scope;
    engine.reset(EngineBuilder(std::move(interpreted))
                     .setEngineKind(EngineKind::Interpreter)
                     .setErrorStr(&text)
                     .create());
  }
  if (!engine)
    return fail(context, LLVM_ERROR_INTERNAL, "the interpreter did not start: " + text);

  Interpreting scope(*engine);
  if (may_compile)
    take_checkpoint(context);
  llvm_error_t error = run_program(context, Running::interpreted_program, status, [&]() -> int {
    start_frames(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)),
                 context.options.interpreter_stack_size);
    for (const Constructor &constructor : constructors)
      if (constructor.interpretable)
        engine->runFunction(constructor.interpretable, {});
      else
        call_all(constructor.native);
    GenericValue result = engine->runFunction(main, main_arguments(*main, arguments));
    exit_program(main->getReturnType()->isVoidTy() ? 0
                                                   : static_cast<int>(result.IntVal.getSExtValue()));
  });
  // After a fault the interpreter may be in the middle of anything.
  if (error != LLVM_OK && error != LLVM_ERROR_PROGRAM_ABORTED)
    engine.release();
  return error;
}

llvm_error_t run_interpreted_main(llvm_module &module, ArrayRef<void *> arguments, int &status) {
  llvm_context &context = *module.context;
  if (llvm_error_t error = prepare(module))
    return error;
  if (module.compiled != decltype(module.compiled){})
    return fail(context, LLVM_ERROR_INVALID_ARGUMENT,
                "a module that has been compiled cannot be interpreted");
  std::unique_ptr<Module> interpreted;
  std::deque<Signature> signatures;
  if (llvm_error_t error = make_interpreted(module, interpreted, signatures))
    return error;
  Function *main = interpreted->getFunction("main");
  if (main->isDeclaration())
    return run_native_main(module, /*level=*/0, arguments, status);

  std::vector<void *> addresses;
  if (llvm_error_t error = take_constructors(module, addresses))
    return error;
  std::vector<Constructor> constructors;
  for (void *address : addresses)
    constructors.push_back({address});
  if (llvm_error_t error = set_destructors(module))
    return error;
  return interpret_main(context, std::move(interpreted), main, constructors, arguments,
                        /*may_compile=*/false, status);
}

} // namespace bareflow
