// Whole modules as native code, linked into the code pool, and finding what was linked.
#include "session.h"

#include "recovery.h"
#include "tiered/tiered.h"

using namespace llvm;

namespace bareflow {

void create_pool(llvm_context &context) {
  ProgramMemory scope;
  context.pool = std::make_unique<CodePool>(context.options);
}

static llvm_error_t fail_link(llvm_context &context, const std::string &text) {
  if (StringRef(text).contains("out of memory"))
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, text);
  bool missing = StringRef(text).contains("Symbols not found");
  return fail(context, missing ? LLVM_ERROR_UNRESOLVED_SYMBOLS : LLVM_ERROR_INTERNAL, text);
}

llvm_error_t add_object(llvm_module &module, std::unique_ptr<MemoryBuffer> object) {
  // Nobody keeps this code beyond the session: it calls what is outside the program directly.
  if (!module.linker)
    module.linker = std::make_unique<Linker>(module, /*has_import_stubs=*/false);
  auto linked = module.linker->link(*object);
  if (!linked)
    return fail_link(*module.context, toString(linked.takeError()));
  llvm::append_range(module.allocations, linked->allocations);
  return LLVM_OK;
}

llvm_error_t find_symbol(llvm_module &module, StringRef symbol, void *&address) {
  address = reinterpret_cast<void *>(module.linker ? module.linker->find(symbol) : 0);
  return address ? LLVM_OK : fail_link(*module.context, ("Symbols not found: " + symbol).str());
}

llvm_error_t find_function(llvm_module &module, StringRef name, llvm_level_t level,
                           void *&address) {
  bool once = is_compiled_once(*module.ir->getFunction(name));
  return find_symbol(module, once ? name.str() : (name + module.suffix[level]).str(), address);
}

llvm_error_t compile(llvm_module &module, llvm_level_t level) {
  llvm_context &context = *module.context;
  if (llvm_error_t error = prepare(module))
    return error;
  if (module.compiled[level])
    return LLVM_OK;
  std::string suffix = module.data_placed ? suffix_of(level) : "";
  if (module.is_spent)
    return fail(context, LLVM_ERROR_INVALID_ARGUMENT,
                module.name + ": compiled at another level already, and the options say that there is one");
  module.is_spent = context.options.has_one_level;
  std::unique_ptr<Module> copy;
  if (!module.is_spent)
    copy = module.data_placed ? clone_for_level(module, suffix) : clone(*module.ir);
  auto object = emit_object(context, copy ? *copy : *module.ir, level);
  if (!object) {
    bool is_refused = object.errorIsA<Refusal>();
    // What is refused is as it was.
    module.is_spent = module.is_spent && !is_refused;
    return fail(context, is_refused ? LLVM_ERROR_REFUSED : LLVM_ERROR_MALFORMED_IR,
                module.name + ": " + toString(object.takeError()));
  }
  if (llvm_error_t error = add_object(module, std::move(*object)))
    return error;
  module.suffix[level] = suffix;
  module.compiled[level] = true;
  module.data_placed = true;
  return LLVM_OK;
}

} // namespace bareflow

using namespace bareflow;

// Where the linker is known.
llvm_module::llvm_module() = default;
llvm_module::~llvm_module() = default;

llvm_error_t llvm_jit_compile(llvm_module_t *module, const char *name, llvm_level_t level,
                              llvm_function_t **result) {
  llvm_function_t *function = nullptr;
  if (llvm_error_t error = llvm_get_function(module, name, &function))
    return error;
  llvm_context *context = module->context;
  return enter(context, [&]() -> llvm_error_t {
    if (!is_level(level))
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT, "llvm_jit_compile: unknown level");
    Function *ir = module->ir->getFunction(name);
    if (ir->hasLocalLinkage()) {
      if (module->prepared)
        return fail(*context, LLVM_ERROR_NO_FUNCTION,
                    Twine("'") + name + "' is local and was not kept by an earlier compile");
      make_external(*ir);
    }
    if (llvm_error_t error = compile(*module, level))
      return error;
    if (llvm_error_t error = find_function(*module, name, level, function->address))
      return error;
    if (result)
      *result = function;
    return LLVM_OK;
  });
}

llvm_error_t llvm_get_function_ptr(llvm_function_t *function, void **address) {
  if (!function || !address)
    return LLVM_ERROR_INVALID_ARGUMENT;
  llvm_context *context = function->module->context;
  return enter(context, [&]() -> llvm_error_t {
    *address = function->address;
    if (!function->address)
      return fail(*context, LLVM_ERROR_NOT_COMPILED,
                  Twine("function '") + function->name + "' has not been compiled");
    return LLVM_OK;
  });
}
