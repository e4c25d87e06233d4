// Gives a program's IR the form that can be compiled at several levels and interpreted, all sharing
// one copy of the data.
#include "program.h"
#include "recovery.h"
#include "session.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Object/ModuleSymbolTable.h"

using namespace llvm;

// Of the engine: zeroed memory outside the code pool for so many bytes of variables, or null.
extern "C" void *bareflow_map_large(size_t bytes);

namespace bareflow {

// By name: there is one program.
static StringMap<void *> large_variables;

void *find_large_variable(StringRef name) { return large_variables.lookup(name); }

void make_external(GlobalValue &value) {
  value.setLinkage(GlobalValue::ExternalLinkage);
  value.setVisibility(GlobalValue::DefaultVisibility);
  value.setDSOLocal(true);
}

// What variables may have of the pool, whose size is 512 MiB unless somebody wants it smaller.
constexpr uint64_t largest_in_pool = 256 << 20;
// Smaller ones are not worth longer addresses.
constexpr uint64_t smallest_large = 64 << 10;

// Where the program has more variables than the pool takes, the largest of those that are zero at first lie elsewhere.
// Code reaches them by addresses of 64 bits.
static llvm_error_t place_large_variables(llvm_context &context, Module &ir) {
  const DataLayout &layout = ir.getDataLayout();
  uint64_t total = 0;
  std::vector<std::pair<uint64_t, GlobalVariable *>> large;
  for (GlobalVariable &variable : ir.globals()) {
    if (variable.isDeclaration() || variable.hasAppendingLinkage())
      continue;
    uint64_t bytes = layout.getTypeAllocSize(variable.getValueType());
    total += bytes;
    if (bytes >= smallest_large && !variable.isConstant() && !variable.hasLocalLinkage() &&
        variable.getInitializer()->isNullValue())
      large.push_back({bytes, &variable});
  }
  llvm::stable_sort(large, [](auto &left, auto &right) { return left.first > right.first; });
  std::vector<std::pair<uint64_t, GlobalVariable *>> placed;
  uint64_t end = 0;
  for (auto &[bytes, variable] : large) {
    if (total <= largest_in_pool)
      break;
    total -= bytes;
    Align alignment = std::max(Align(64), layout.getPreferredAlign(variable));
    uint64_t offset = alignTo(end, alignment);
    end = offset + bytes;
    placed.push_back({offset, variable});
  }
  if (placed.empty())
    return LLVM_OK;
  auto *start = static_cast<char *>(bareflow_map_large(end));
  if (!start)
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY,
                "out of memory: there is no room for " + Twine((end + 0xfffff) >> 20) +
                    " MiB of variables");
  ProgramMemory scope;
  for (auto &[offset, variable] : placed) {
    large_variables[variable->getName()] = start + offset;
    variable->setInitializer(nullptr);
    variable->setLinkage(GlobalValue::ExternalLinkage);
    variable->setCodeModel(CodeModel::Large);
  }
  return LLVM_OK;
}

static llvm_error_t fail_unresolved(llvm_context &context, std::vector<std::string> &missing) {
  llvm::sort(missing);
  std::string names;
  for (const std::string &name : missing)
    names += (names.empty() ? "" : ", ") + name;
  return fail(context, LLVM_ERROR_UNRESOLVED_SYMBOLS,
              Twine(missing.size()) + (missing.size() == 1 ? " unresolved symbol: "
                                                           : " unresolved symbols: ") + names);
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

// The module's own assembly is compiled once, with the data. What it refers to must be there, under its name.
static llvm_error_t open_assembly(llvm_module &module) {
  Module &ir = *module.ir;
  if (ir.getModuleInlineAsm().empty())
    return LLVM_OK;
  llvm_context &context = *module.context;
  std::vector<std::string> missing;
  ModuleSymbolTable::CollectAsmSymbols(
      ir, [&](StringRef name, object::BasicSymbolRef::Flags flags) {
        if (!(flags & object::BasicSymbolRef::SF_Undefined)) {
          module.assembled.insert(name);
          return;
        }
        GlobalValue *value = ir.getNamedValue(name);
        if (value && !value->isDeclaration()) {
          make_external(*value);
          module.wanted_by_assembly.insert(name);
        } else if (!(flags & object::BasicSymbolRef::SF_Weak) && !resolve_symbol(context, name)) {
          missing.push_back(name.str());
        }
      });
  llvm::erase_if(missing, [&](const std::string &name) { return module.assembled.contains(name); });
  return missing.empty() ? LLVM_OK : fail_unresolved(context, missing);
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
  if (llvm_error_t error = place_large_variables(context, ir))
    return error;
  if (llvm_error_t error = open_assembly(module))
    return error;
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
    if (!name.starts_with("llvm.") && !module.assembled.contains(name) &&
        !resolve_symbol(context, name))
      missing.push_back(name.str());
  };
  for (Function &function : *module.ir)
    check(function);
  for (GlobalVariable &variable : module.ir->globals())
    check(variable);
  return missing.empty() ? LLVM_OK : fail_unresolved(context, missing);
}

} // namespace bareflow
