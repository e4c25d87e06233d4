// Gives a program's IR the form that can be compiled at several levels and interpreted, all sharing
// one copy of the data.
#include "session.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Verifier.h"

using namespace llvm;

namespace bareflow {

void make_external(GlobalValue &value) {
  value.setLinkage(GlobalValue::ExternalLinkage);
  value.setVisibility(GlobalValue::DefaultVisibility);
  value.setDSOLocal(true);
}

// There is one thread: a thread-local variable is a variable.
static void lower_thread_locals(Module &ir) {
  for (Function &function : ir)
    if (function.getIntrinsicID() == Intrinsic::threadlocal_address)
      for (User *user : make_early_inc_range(function.users()))
        if (auto *call = dyn_cast<CallInst>(user)) {
          call->replaceAllUsesWith(call->getArgOperand(0));
          call->eraseFromParent();
        }
  for (GlobalVariable &variable : ir.globals())
    variable.setThreadLocal(false);
}

static void replace_aliases(Module &ir) {
  for (GlobalAlias &alias : make_early_inc_range(ir.aliases())) {
    alias.replaceAllUsesWith(alias.getAliasee());
    alias.eraseFromParent();
  }
}

static void prepare_definition(llvm_context &context, GlobalObject &value) {
  if (!value.hasName())
    value.setName("bareflow.unnamed." + Twine(context.unnamed_count++));
  value.setComdat(nullptr);
  value.setSection("");
  // What another level may refer to must not be dropped here.
  if (value.hasLinkOnceLinkage())
    value.setLinkage(value.hasLinkOnceODRLinkage() ? GlobalValue::WeakODRLinkage
                                                   : GlobalValue::WeakAnyLinkage);
}

static void prepare_variable(llvm_context &context, GlobalVariable &variable) {
  if (variable.hasAppendingLinkage())
    return;
  if (variable.hasAvailableExternallyLinkage()) {
    variable.setInitializer(nullptr);
    make_external(variable);
    return;
  }
  prepare_definition(context, variable);
  // Constants whose address means nothing may exist once per level.
  bool copied = variable.isConstant() && variable.hasGlobalUnnamedAddr();
  if (variable.hasLocalLinkage() && !copied)
    make_external(variable);
}

static void prepare_function(llvm_context &context, Function &function) {
  if (function.hasAvailableExternallyLinkage()) {
    function.deleteBody();
    return;
  }
  prepare_definition(context, function);
  if (function.hasLocalLinkage() && (function.hasAddressTaken() || is_compiled_once(function)))
    make_external(function);
  // The level is the engine's choice, not the front end's.
  if (function.hasOptNone()) {
    function.removeFnAttr(Attribute::OptimizeNone);
    function.removeFnAttr(Attribute::NoInline);
  }
  // In another function its assembly would not be at an entry.
  if (function.hasFnAttribute(Attribute::Naked))
    function.addFnAttr(Attribute::NoInline);
  // Nothing unwinds here, so no function needs a frame description.
  function.setDoesNotThrow();
  function.removeFnAttr(Attribute::UWTable);
}

llvm_error_t prepare(llvm_module &module) {
  if (module.prepared)
    return LLVM_OK;
  llvm_context &context = *module.context;
  Module &ir = *module.ir;
  resolve_indirect_functions(ir);
  replace_aliases(ir);
  define_section_bounds(ir);
  lower_thread_locals(ir);
  keep_own_library_functions(context, ir);
  if (llvm_error_t error = collect_lifetime_functions(module))
    return error;
  for (GlobalVariable &variable : ir.globals())
    if (!variable.isDeclaration())
      prepare_variable(context, variable);
  for (Function &function : ir)
    if (!function.isDeclaration())
      prepare_function(context, function);
  if (llvm_error_t error = check_symbols(module))
    return error;
  module.prepared = true;
  return LLVM_OK;
}

llvm_error_t check_symbols(llvm_module &module) {
  llvm_context &context = *module.context;
  std::vector<std::string> missing;
  auto check = [&](GlobalValue &value) {
    if (!value.isDeclaration() || value.use_empty() || value.hasExternalWeakLinkage())
      return;
    StringRef name = value.getName();
    // A leading \1 keeps a name from being mangled.
    name.consume_front("\1");
    if (!name.starts_with("llvm.") && !resolve_symbol(context, name))
      missing.push_back(name.str());
  };
  for (Function &function : *module.ir)
    check(function);
  for (GlobalVariable &variable : module.ir->globals())
    check(variable);
  if (missing.empty())
    return LLVM_OK;
  llvm::sort(missing);
  std::string names;
  for (const std::string &name : missing)
    names += (names.empty() ? "" : ", ") + name;
  return fail(context, LLVM_ERROR_UNRESOLVED_SYMBOLS,
              Twine(missing.size()) + (missing.size() == 1 ? " unresolved symbol: "
                                                           : " unresolved symbols: ") + names);
}

} // namespace bareflow
