#include "program.h"
#include "interpreter/interpret.h"

#include "llvm/ADT/StringSwitch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace llvm;

// Of the C++ runtime: makes the C library's state that of a program that has not started, and returns what its main is
// called with; the strings are copies.
struct StartedProgram {
  int count;
  char **arguments;
  char **environment;
};
extern "C" StartedProgram bareflow_start_program(int argc, const char *const *argv);
// Of the C++ runtime: what runs at the program's exit.
extern "C" int bareflow_at_exit(void (*function)(void *), void *argument);
extern "C" int bareflow_on_exit(void (*function)(int, void *), void *argument);
extern "C" int bareflow_at_thread_exit(void (*function)(void *), void *argument);
extern "C" void bareflow_set_destructors(void *const *functions, size_t count);
extern "C" void bareflow_run_exit_handlers(int status);
// Of the C++ runtime: calls the handler of SIGABRT.
extern "C" void bareflow_before_abort(void);

namespace bareflow {

void *program_stack_top = nullptr;

namespace {

int program_cxa_atexit(void (*function)(void *), void *argument, void *) {
  return bareflow_at_exit(function, argument);
}

int program_cxa_thread_atexit(void (*function)(void *), void *argument, void *) {
  return bareflow_at_thread_exit(function, argument);
}

int program_atexit(void (*function)()) {
  // The handler ignores the argument: callees do not see registers they do not read.
  return bareflow_at_exit(reinterpret_cast<void (*)(void *)>(function), nullptr);
}

[[noreturn]] void program_exit_now(int status) { leave(Ending::exited, status, ""); }

[[noreturn]] void program_abort() {
  bareflow_before_abort();
  leave(Ending::aborted, 0, "the program called abort()");
}

[[noreturn]] void program_assert_fail(const char *expression, const char *file, unsigned line,
                                      const char *function) {
  char message[sizeof innermost->message];
  snprintf(message, sizeof message, "assertion failed: %s, in %s, at %s:%u", expression, function,
           file, line);
  bareflow_before_abort();
  leave(Ending::aborted, 0, message);
}

// The address that a shared object passes to __cxa_atexit; there is only one object.
char program_dso_handle;

} // namespace

void *find_program_function(StringRef name) {
  return StringSwitch<void *>(name)
      .Case("exit", reinterpret_cast<void *>(exit_program))
      .Cases("_exit", "_Exit", reinterpret_cast<void *>(program_exit_now))
      .Case("abort", reinterpret_cast<void *>(program_abort))
      .Case("__assert_fail", reinterpret_cast<void *>(program_assert_fail))
      .Case("atexit", reinterpret_cast<void *>(program_atexit))
      .Case("on_exit", reinterpret_cast<void *>(bareflow_on_exit))
      .Case("__cxa_atexit", reinterpret_cast<void *>(program_cxa_atexit))
      .Cases("__cxa_thread_atexit", "__cxa_thread_atexit_impl",
             reinterpret_cast<void *>(program_cxa_thread_atexit))
      .Case("__dso_handle", &program_dso_handle)
      .Default(nullptr);
}

void exit_program(int status) {
  bareflow_run_exit_handlers(status);
  leave(Ending::exited, status, "");
}

void call_all(ArrayRef<void *> functions) {
  for (void *function : functions)
    reinterpret_cast<void (*)()>(function)();
}

llvm_error_t find_lifetime_functions(llvm_module &module, ArrayRef<LifetimeFunction> functions,
                                     std::vector<void *> &addresses) {
  for (const LifetimeFunction &function : functions) {
    void *address = nullptr;
    if (llvm_error_t error = find_symbol(module, function.name, address))
      return error;
    addresses.push_back(address);
  }
  return LLVM_OK;
}

llvm_error_t run_to_end(Running running, int &status, std::string &text,
                        function_ref<int()> body) {
  Recovery recovery;
  void *outer = std::exchange(program_stack_top, __builtin_frame_address(0));
  run_recoverably(recovery, running, body);
  program_stack_top = outer;
  // A program that has failed has its message; LLVM's own may be made of its variables.
  bool is_good = recovery.ending == Ending::returned || recovery.ending == Ending::exited;
  bool is_changed = is_good && is_memory_changed(text);
  unseal_memory();
  fflush(nullptr);
  status = recovery.status;
  // Whatever the program has done since, it has done with the kernel's memory as it left it.
  if (is_changed)
    return LLVM_ERROR_PROGRAM_FAULT;
  switch (recovery.ending) {
  case Ending::returned:
  case Ending::exited:
    return LLVM_OK;
  case Ending::aborted:
    text = recovery.message;
    return LLVM_ERROR_PROGRAM_ABORTED;
  case Ending::out_of_memory:
    text = recovery.message[0] ? recovery.message : "out of memory while the program ran";
    return LLVM_ERROR_OUT_OF_MEMORY;
  case Ending::faulted:
  case Ending::failed:
    text = recovery.message;
    return LLVM_ERROR_PROGRAM_FAULT;
  }
  return LLVM_ERROR_INTERNAL;
}

llvm_error_t fail_program(llvm_context &context, llvm_error_t error, const std::string &text) {
  // Nothing of it may be taken apart.
  if (std::string changed; is_memory_changed(changed))
    context.poisoned = true;
  return fail(context, error, text);
}

llvm_error_t run_program(llvm_context &context, Running running, int &status,
                         function_ref<int()> body) {
  std::string text;
  seal_memory(running);
  llvm_error_t error = run_to_end(running, status, text, body);
  return error ? fail_program(context, error, text) : LLVM_OK;
}

// main may have any prefix of the parameters (int, char **, char **), and return int or nothing.
static bool is_main_type(const FunctionType &type) {
  if (type.isVarArg() || type.getNumParams() > 3)
    return false;
  for (unsigned index = 0; index < type.getNumParams(); ++index)
    if (index == 0 ? !type.getParamType(index)->isIntegerTy(32)
                   : !type.getParamType(index)->isPointerTy())
      return false;
  return type.getReturnType()->isIntegerTy(32) || type.getReturnType()->isVoidTy();
}

static llvm_error_t check_main(llvm_module &module) {
  llvm_context &context = *module.context;
  Function *main = module.ir->getFunction("main");
  if (!main || main->isDeclaration())
    return fail(context, LLVM_ERROR_NO_FUNCTION, "the program has no function 'main'");
  if (!is_main_type(*main->getFunctionType()))
    return fail(context, LLVM_ERROR_MALFORMED_IR,
                "'main' must take (int, char **, char **) or fewer of them, and return int");
  make_external(*main);
  return LLVM_OK;
}

llvm_error_t take_constructors(llvm_module &module, std::vector<void *> &addresses) {
  if (std::exchange(module.constructors_ran, true))
    return LLVM_OK;
  return find_lifetime_functions(module, module.constructors, addresses);
}

void set_destructors(ArrayRef<void *> functions) {
  // They change while the program runs.
  ProgramMemory scope;
  bareflow_set_destructors(functions.data(), functions.size());
}

llvm_error_t set_destructors(llvm_module &module) {
  std::vector<void *> functions;
  if (llvm_error_t error = find_lifetime_functions(module, module.destructors, functions))
    return error;
  set_destructors(functions);
  return LLVM_OK;
}

// At the level, or at the next one that does not refuse the program.
static llvm_error_t compile_from(llvm_module &module, llvm_level_t &level) {
  for (;;) {
    llvm_error_t error = compile(module, level);
    if (error != LLVM_ERROR_REFUSED || level + 1 == level_count)
      return error;
    ++level;
  }
}

llvm_error_t run_native_main(llvm_module &module, llvm_level_t level, ArrayRef<void *> arguments,
                             int &status) {
  if (llvm_error_t error = compile_from(module, level))
    return error;
  void *address = nullptr;
  if (llvm_error_t error = find_function(module, "main", level, address))
    return error;
  std::vector<void *> constructors;
  if (llvm_error_t error = take_constructors(module, constructors))
    return error;
  if (llvm_error_t error = set_destructors(module))
    return error;
  bool returns = !module.ir->getFunction("main")->getReturnType()->isVoidTy();
  // A main with fewer parameters does not look at the others' registers.
  auto *main = reinterpret_cast<int (*)(void *, void *, void *)>(address);
  return run_program(*module.context, Running::native_program, status, [&]() -> int {
    call_all(constructors);
    int result = main(arguments[0], arguments[1], arguments[2]);
    exit_program(returns ? result : 0);
  });
}

static StartedProgram start_program(int argc, const char *const *argv) {
  // The program may change its arguments.
  ProgramMemory scope;
  return bareflow_start_program(argc, argv);
}

llvm_error_t run_with_arguments(int argc, const char *const *argv,
                                function_ref<llvm_error_t(ArrayRef<void *>)> run) {
  StartedProgram started = start_program(argc, argv);
  void *arguments[] = {reinterpret_cast<void *>(static_cast<intptr_t>(started.count)),
                       started.arguments, started.environment};
  return run(arguments);
}

llvm_error_t run_main_with(llvm_module &module, int argc, const char *const *argv, int *status,
                           function_ref<llvm_error_t(ArrayRef<void *>)> run) {
  llvm_context &context = *module.context;
  return enter(&context, [&]() -> llvm_error_t {
    if (argc < 0 || (argc > 0 && !argv) || !status)
      return fail(context, LLVM_ERROR_INVALID_ARGUMENT, "running main: invalid argument");
    if (llvm_error_t error = check_main(module))
      return error;
    return run_with_arguments(argc, argv, run);
  });
}

} // namespace bareflow

using namespace bareflow;

void *llvm_program_function(const char *name) { return find_program_function(name); }

llvm_error_t llvm_run_main(llvm_module_t *module, llvm_tier_t tier, int argc,
                           const char *const *argv, int *status) {
  if (!module)
    return LLVM_ERROR_INVALID_ARGUMENT;
  return run_main_with(*module, argc, argv, status, [&](ArrayRef<void *> arguments) {
    if (tier == LLVM_TIER_INTERPRETER)
      return run_interpreted_main(*module, arguments, *status);
    llvm_level_t level = tier - tier_of(0);
    if (!is_level(level))
      return fail(*module->context, LLVM_ERROR_INVALID_ARGUMENT, "llvm_run_main: unknown tier");
    return run_native_main(*module, level, arguments, *status);
  });
}
