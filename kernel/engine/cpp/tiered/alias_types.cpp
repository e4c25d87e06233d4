// What loads and stores tell the optimiser of their types. LLVM keeps it in one table for all instructions, and copies
// it with each of them. Code at O0 has no use for it, and is made most often: so it stands aside.
#include "tiered.h"

#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace bareflow {

constexpr unsigned type_kinds[] = {LLVMContext::MD_tbaa, LLVMContext::MD_tbaa_struct};

void AliasTypes::take(Function &function) {
  std::vector<Type> found;
  for (Instruction &instruction : instructions(function)) {
    if (!instruction.hasMetadataOtherThanDebugLoc())
      continue;
    for (unsigned kind : type_kinds)
      if (MDNode *type = instruction.getMetadata(kind)) {
        found.push_back({&instruction, kind, type});
        instruction.setMetadata(kind, nullptr);
      }
  }
  if (!found.empty())
    taken[&function] = std::move(found);
}

void AliasTypes::give(const Function &function, ValueToValueMapTy &map) const {
  auto found = taken.find(&function);
  if (found == taken.end())
    return;
  for (const Type &type : found->second)
    if (auto *copy = dyn_cast_or_null<Instruction>(map.lookup(type.instruction)))
      copy->setMetadata(type.kind, type.node);
}

} // namespace bareflow
