// What compilers for other environments write into functions, and what of it does not fit here.
#include "session.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace bareflow {

// Without soft floating point, and without what the least processor has and a front end has left out: all code passes
// floating-point numbers in the same registers.
static void keep_common_features(Function &function) {
  constexpr StringRef name = "target-features";
  if (!function.hasFnAttribute(name))
    return;
  StringRef text = function.getFnAttribute(name).getValueAsString();
  SmallVector<StringRef, 16> features;
  text.split(features, ',', -1, false);
  llvm::erase_if(features, [](StringRef feature) {
    return feature.starts_with("-") || feature == "+soft-float";
  });
  function.removeFnAttr(name);
  if (!features.empty())
    function.addFnAttr(name, join(features, ","));
}

void adapt_to_environment(Module &ir) {
  for (Function &function : ir) {
    keep_common_features(function);
    if (function.isDeclaration())
      continue;
    // Interrupts of the machine, and signals, come on any stack at any time.
    function.addFnAttr(Attribute::NoRedZone);
    // These need a runtime of their own.
    for (auto kind : {Attribute::StackProtect, Attribute::StackProtectReq,
                      Attribute::StackProtectStrong, Attribute::SafeStack,
                      Attribute::ShadowCallStack})
      function.removeFnAttr(kind);
    if (function.getFnAttribute("probe-stack").getValueAsString() != "inline-asm")
      function.removeFnAttr("probe-stack");
    if (function.hasPersonalityFn() &&
        none_of(function, [](const BasicBlock &block) { return block.isEHPad(); }))
      function.setPersonalityFn(nullptr);
  }
}

} // namespace bareflow
