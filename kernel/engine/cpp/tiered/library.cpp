// The C library as IR, whose functions optimised code inlines.
#include "tiered.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace bareflow {
namespace {

// The library, read on first use; its functions' bodies are read singly.
Module *library_of(llvm_context &context) {
  if (context.library || !context.options.library)
    return context.library.get();
  MemoryBufferRef bytes(
      StringRef(static_cast<const char *>(context.options.library), context.options.library_size),
      "the C library");
  auto library = getLazyBitcodeModule(bytes, context.ir, /*ShouldLazyLoadMetadata=*/true);
  if (!library) {
    note(context, "the C library's bitcode is not used: " + toString(library.takeError()));
    context.options.library = nullptr;
    return nullptr;
  }
  context.library = std::move(*library);
  return context.library.get();
}

// Adds up a function and what only the library can see of what it needs.
class Closure {
public:
  explicit Closure(unsigned most) : most(most) {}

  // False if it is larger than allowed, or has what cannot be had twice.
  bool add(Function &function) {
    if (!seen.insert(&function).second)
      return true;
    if (Error error = function.materialize()) {
      consumeError(std::move(error));
      return false;
    }
    size += function.getInstructionCount();
    if (size > most)
      return false;
    for (Instruction &instruction : instructions(function))
      for (Value *operand : instruction.operands())
        if (auto *constant = dyn_cast<Constant>(operand); constant && !add(*constant))
          return false;
    return true;
  }

private:
  bool add(Constant &constant) {
    if (auto *function = dyn_cast<Function>(&constant))
      return !function->hasLocalLinkage() || add(*function);
    if (auto *variable = dyn_cast<GlobalVariable>(&constant)) {
      if (!variable->hasLocalLinkage() || !seen.insert(variable).second)
        return true;
      return variable->isConstant() && add(*variable->getInitializer());
    }
    for (Value *operand : constant.operands())
      if (!add(*cast<Constant>(operand)))
        return false;
    return true;
  }

  unsigned most;
  unsigned size = 0;
  SmallPtrSet<const Value *, 16> seen;
};

} // namespace

void open_library(llvm_context &context) { library_of(context); }

Function *library_function(llvm_context &context, const Function &declared, unsigned most) {
  Module *library = library_of(context);
  Function *function = library ? library->getFunction(declared.getName()) : nullptr;
  // What is made of builtins must not be made into builtins again: it stays a call.
  if (!function || function->isDeclaration() || function->hasFnAttribute("no-builtins") ||
      function->getFunctionType() != declared.getFunctionType())
    return nullptr;
  return Closure(most).add(*function) ? function : nullptr;
}

} // namespace bareflow
