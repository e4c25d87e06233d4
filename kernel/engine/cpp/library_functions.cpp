// What the optimiser knows of the C library, and what it must not believe to know.
#include "arch/arch.h"
#include "session.h"

#include "llvm/IR/InstrTypes.h"

using namespace llvm;

namespace bareflow {

void describe_library(llvm_context &context) {
  context.library_info = std::make_unique<TargetLibraryInfoImpl>(Triple(arch::target_triple));
  TargetLibraryInfoImpl &library = *context.library_info;
  // The optimiser may only introduce calls of functions that exist.
  TargetLibraryInfo known(library);
  for (unsigned index = 0; index < NumLibFuncs; ++index) {
    auto function = static_cast<LibFunc>(index);
    if (known.has(function) && !resolve_symbol(context, known.getName(function)))
      library.setUnavailable(function);
  }
  // LLVM 18 compares a variable character that is not converted to unsigned char with those of a constant string:
  // none above 127 is found (https://github.com/llvm/llvm-project/pull/106121). It makes memchr of strchr first.
  library.setUnavailable(LibFunc_memchr);
}

// Attributes by which the optimiser knows an allocator, whatever its name is.
static void forget_allocator(Function &function) {
  auto forget = [](auto &value) {
    value.removeFnAttr(Attribute::AllocKind);
    value.removeFnAttr(Attribute::AllocSize);
    value.removeFnAttr("alloc-family");
  };
  forget(function);
  for (User *user : function.users())
    if (auto *call = dyn_cast<CallBase>(user))
      forget(*call);
}

void keep_own_library_functions(llvm_context &context, Module &ir) {
  TargetLibraryInfoImpl &library = *context.library_info;
  LibFunc known;
  for (Function &function : ir) {
    if (function.isDeclarationForLinker() || !library.getLibFunc(function.getName(), known))
      continue;
    // A call that the code generator makes means the library's function, not another file's local one.
    if (function.hasLocalLinkage()) {
      function.setName(function.getName() + ".local");
      continue;
    }
    // Nor is it called where the program does not call it: its own loop would become a call of itself.
    library.setUnavailable(known);
    forget_allocator(function);
  }
}

} // namespace bareflow
