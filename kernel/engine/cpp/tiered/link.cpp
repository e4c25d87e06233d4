// Linking one object into the pool, with JITLink and without sessions: what is linked stays known here.
#include "tiered.h"

#include "../code_pool.h"
#include "../recovery.h"

#include "llvm/ExecutionEngine/JITLink/ELF.h"
#include "llvm/ExecutionEngine/JITLink/JITLink.h"

using namespace llvm;
using namespace llvm::jitlink;

namespace bareflow {

void Linker::define(StringRef name, uintptr_t address) {
  ProgramMemory scope;
  symbols[name] = address;
}

// What is no variable for the program or for the C library's bitcode is a function, also if only the code
// generator knows it.
bool Linker::is_variable(StringRef name) const {
  // A leading \1 keeps a name from being mangled.
  std::string unmangled = ("\1" + name).str();
  for (Module *ir : {module.ir.get(), context.library.get()})
    if (ir && (ir->getNamedGlobal(name) || ir->getNamedGlobal(unmangled)))
      return true;
  return false;
}

uintptr_t Linker::find(StringRef name) {
  auto known = symbols.find(name);
  if (known != symbols.end())
    return known->second;
  auto address = reinterpret_cast<uintptr_t>(resolve_symbol(context, name));
  if (address == 0 || !has_import_stubs)
    return address;
  return is_variable(name) ? address_for_code(context, name, address)
                           : imports.stub_of(name, address);
}

// One link; everything happens before `link` returns.
class Linker::Link final : public JITLinkContext {
public:
  struct Result {
    Error error = Error::success();
    Linked linked;
  };

  // Without entries, the object's symbols become known to all that is linked later.
  Link(Linker &linker, ArrayRef<std::string> entries, Result &result)
      : JITLinkContext(nullptr), linker(linker), entries(entries), result(result) {
    result.linked.entries.resize(entries.size());
  }

  JITLinkMemoryManager &getMemoryManager() override { return *linker.context.pool; }

  void notifyFailed(Error error) override {
    result.error = joinErrors(std::move(result.error), std::move(error));
  }

  void lookup(const LookupMap &wanted,
              std::unique_ptr<JITLinkAsyncLookupContinuation> continuation) override {
    AsyncLookupResult found;
    std::string missing;
    for (auto &[name, flags] : wanted) {
      uintptr_t address = linker.find(name);
      if (address || flags == SymbolLookupFlags::WeaklyReferencedSymbol)
        found[name] = {orc::ExecutorAddr(address), JITSymbolFlags::Exported};
      else
        missing += (missing.empty() ? "" : ", ") + name.str();
    }
    if (missing.empty())
      continuation->run(std::move(found));
    else
      continuation->run(
          createStringError(inconvertibleErrorCode(), "Symbols not found: " + missing));
  }

  Error notifyResolved(LinkGraph &graph) override {
    for (Symbol *symbol : graph.defined_symbols()) {
      if (!symbol->hasName())
        continue;
      uintptr_t address = symbol->getAddress().getValue();
      if (auto *entry = llvm::find(entries, symbol->getName()); entry != entries.end())
        result.linked.entries[entry - entries.begin()] = {address, symbol->getSize()};
      else if (entries.empty() && symbol->getScope() != Scope::Local)
        linker.define(symbol->getName(), address);
      if (symbol->isCallable())
        linker.context.pool->add_symbol(address, symbol->getSize(), symbol->getName());
    }
    for (Section &section : graph.sections())
      for (Block *block : section.blocks())
        result.linked.bytes += block->getSize();
    return Error::success();
  }

  void notifyFinalized(JITLinkMemoryManager::FinalizedAlloc allocation) override {
    result.linked.allocations = linker.context.pool->keep(std::move(allocation));
  }

private:
  Linker &linker;
  ArrayRef<std::string> entries;
  Result &result;
};

Expected<Linked> Linker::link(MemoryBufferRef object, ArrayRef<std::string> entries) {
  auto graph = createLinkGraphFromELFObject(object);
  if (!graph)
    return graph.takeError();
  Link::Result result;
  jitlink::link(std::move(*graph), std::make_unique<Link>(*this, entries, result));
  if (result.error)
    return std::move(result.error);
  return std::move(result.linked);
}

} // namespace bareflow
