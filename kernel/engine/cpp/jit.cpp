// Linking objects into the code pool with ORC and JITLink, and finding what was linked.
#include "session.h"

#include "code_pool.h"
#include "recovery.h"

#include "llvm/ExecutionEngine/JITLink/JITLink.h"
#include "llvm/ExecutionEngine/Orc/ExecutorProcessControl.h"

using namespace llvm;
using namespace llvm::orc;

namespace bareflow {

// Defines what a program's objects refer to and do not define.
class LibraryGenerator final : public DefinitionGenerator {
public:
  explicit LibraryGenerator(llvm_context &context) : context(context) {}

  Error tryToGenerate(LookupState &, LookupKind, JITDylib &library, JITDylibLookupFlags,
                      const SymbolLookupSet &wanted) override {
    SymbolMap found;
    for (auto &[name, flags] : wanted)
      if (void *address = resolve_symbol(context, *name))
        found[name] = {ExecutorAddr::fromPtr(address), JITSymbolFlags::Exported};
    return found.empty() ? Error::success()
                         : library.define(absoluteSymbols(std::move(found)));
  }

private:
  llvm_context &context;
};

// Remembers where functions were placed.
class SymbolRecorder final : public ObjectLinkingLayer::Plugin {
public:
  explicit SymbolRecorder(CodePool &pool) : pool(pool) {}

  void modifyPassConfig(MaterializationResponsibility &, jitlink::LinkGraph &,
                        jitlink::PassConfiguration &config) override {
    // Local functions are referred to by section and offset, which keeps the code but not the symbol.
    config.PrePrunePasses.push_back([](jitlink::LinkGraph &graph) {
      for (jitlink::Symbol *symbol : graph.defined_symbols())
        if (symbol->isCallable() && symbol->hasName())
          symbol->setLive(true);
      return Error::success();
    });
    config.PostFixupPasses.push_back([this](jitlink::LinkGraph &graph) {
      for (jitlink::Symbol *symbol : graph.defined_symbols())
        if (symbol->isCallable() && symbol->hasName())
          pool.add_symbol(symbol->getAddress().getValue(), symbol->getSize(), symbol->getName());
      return Error::success();
    });
  }
  Error notifyFailed(MaterializationResponsibility &) override { return Error::success(); }
  Error notifyRemovingResources(JITDylib &, ResourceKey) override { return Error::success(); }
  void notifyTransferringResources(JITDylib &, ResourceKey, ResourceKey) override {}

private:
  CodePool &pool;
};

llvm_error_t create_linker(llvm_context &context) {
  {
    ProgramMemory scope;
    context.pool = std::make_unique<CodePool>(context.options);
  }
  // The executor is this very program: memory is written in place and nothing is called through it.
  context.orc = std::make_unique<ExecutionSession>(std::make_unique<UnsupportedExecutorProcessControl>(
      nullptr, nullptr, target_triple, context.pool->page_size()));
  context.orc->setErrorReporter([&context](Error error) {
    // The first report has the cause; the lookup's own error only says that there was one.
    std::string text = toString(std::move(error));
    if (context.diagnostic.empty())
      context.diagnostic = one_line(text);
  });
  context.linker = std::make_unique<ObjectLinkingLayer>(*context.orc, *context.pool);
  context.linker->addPlugin(std::make_unique<SymbolRecorder>(*context.pool));
  return LLVM_OK;
}

static llvm_error_t fail_link(llvm_context &context, Error error) {
  bool missing = error.isA<SymbolsNotFound>();
  std::string text = toString(std::move(error));
  if (std::string cause = take_diagnostic(context); !cause.empty())
    text = cause;
  if (StringRef(text).contains("out of memory"))
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, text);
  missing |= StringRef(text).contains("Symbols not found");
  return fail(context, missing ? LLVM_ERROR_UNRESOLVED_SYMBOLS : LLVM_ERROR_INTERNAL, text);
}

llvm_error_t add_object(llvm_module &module, std::unique_ptr<MemoryBuffer> object) {
  llvm_context &context = *module.context;
  if (!module.library) {
    // Names of libraries are unique within a session.
    std::string name = module.name + "#" + std::to_string(context.unnamed_count++);
    module.library = &context.orc->createBareJITDylib(name);
    module.library->addGenerator(std::make_unique<LibraryGenerator>(context));
  }
  if (Error error = context.linker->add(*module.library, std::move(object)))
    return fail_link(context, std::move(error));
  return LLVM_OK;
}

llvm_error_t find_symbol(llvm_module &module, StringRef symbol, void *&address) {
  llvm_context &context = *module.context;
  take_diagnostic(context);
  auto found = context.orc->lookup(
      makeJITDylibSearchOrder(module.library, JITDylibLookupFlags::MatchAllSymbols),
      context.orc->intern(symbol));
  if (!found)
    return fail_link(context, found.takeError());
  address = found->getAddress().toPtr<void *>();
  return LLVM_OK;
}

llvm_error_t find_function(llvm_module &module, StringRef name, llvm_opt_level_t level,
                           void *&address) {
  bool once = is_compiled_once(*module.ir->getFunction(name));
  return find_symbol(module, once ? name.str() : (name + module.suffix[level]).str(), address);
}

llvm_error_t compile(llvm_module &module, llvm_opt_level_t level) {
  llvm_context &context = *module.context;
  if (llvm_error_t error = prepare(module))
    return error;
  if (module.compiled[level])
    return LLVM_OK;
  std::string suffix = module.data_placed ? ".O" + std::to_string(level) : "";
  std::unique_ptr<Module> copy =
      module.data_placed ? clone_for_level(module, suffix) : clone(*module.ir);
  auto object = emit_object(context, *copy, level);
  if (!object)
    return fail(context, LLVM_ERROR_MALFORMED_IR,
                module.name + ": " + toString(object.takeError()));
  if (llvm_error_t error = add_object(module, std::move(*object)))
    return error;
  module.suffix[level] = suffix;
  module.compiled[level] = true;
  module.data_placed = true;
  return LLVM_OK;
}

} // namespace bareflow

using namespace bareflow;

llvm_error_t llvm_jit_compile(llvm_module_t *module, const char *name, llvm_opt_level_t level,
                              llvm_function_t **result) {
  llvm_function_t *function = nullptr;
  if (llvm_error_t error = llvm_get_function(module, name, &function))
    return error;
  llvm_context *context = module->context;
  return enter(context, [&]() -> llvm_error_t {
    if (static_cast<unsigned>(level) >= level_count)
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
