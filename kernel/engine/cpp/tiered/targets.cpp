// Calls by address: unoptimised code notes where they lead, and optimised code compares with what was usual and calls
// that directly.
#include "tiered.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/CallPromotionUtils.h"

using namespace llvm;

namespace bareflow {
namespace {

// What was seen at one call. Whoever has most of all votes keeps the place (Boyer and Moore's majority vote).
struct Target {
  uint64_t address;
  // By how many calls it leads over all others.
  uint64_t lead;
  uint64_t calls;
};
static_assert(sizeof(Target) == words_of_call * sizeof(uint64_t));

// Before that, a target may be the same by chance.
constexpr uint64_t least_calls = 16;
// The lead over the calls that makes a target usual: two thirds of them were its own.
constexpr uint64_t usual_part = 3;

void watch(CallBase &call, uintptr_t place) {
  IRBuilder<> builder(&call);
  Type *word = builder.getInt64Ty();
  auto field = [&](size_t offset) {
    return ConstantExpr::getIntToPtr(builder.getInt64(place + offset), builder.getPtrTy());
  };
  Value *target = builder.CreatePtrToInt(call.getCalledOperand(), word);
  Value *address = builder.CreateLoad(word, field(offsetof(Target, address)));
  Value *lead = builder.CreateLoad(word, field(offsetof(Target, lead)));
  Value *calls = builder.CreateLoad(word, field(offsetof(Target, calls)));
  Value *is_same = builder.CreateICmpEQ(target, address);
  Value *is_free = builder.CreateICmpEQ(lead, builder.getInt64(0));
  Value *is_for = builder.CreateOr(is_same, is_free);
  Value *step = builder.CreateSelect(is_for, builder.getInt64(1), builder.getInt64(-1));
  builder.CreateStore(builder.CreateSelect(is_free, target, address),
                      field(offsetof(Target, address)));
  builder.CreateStore(builder.CreateAdd(lead, step), field(offsetof(Target, lead)));
  builder.CreateStore(builder.CreateAdd(calls, builder.getInt64(1)),
                      field(offsetof(Target, calls)));
}

} // namespace

std::vector<CallBase *> find_calls_by_address(Function &function) {
  std::vector<CallBase *> found;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallBase>(&instruction);
        call && call->isIndirectCall() && !call->isInlineAsm())
      found.push_back(call);
  return found;
}

void watch_targets(ArrayRef<CallBase *> calls, ValueToValueMapTy &map, uintptr_t words) {
  for (CallBase *call : calls) {
    watch(*cast<CallBase>(map.lookup(call)), words);
    words += sizeof(Target);
  }
}

void visit_targets(ArrayRef<uint64_t> words,
                   function_ref<void(uintptr_t, uint64_t, uint64_t)> visit) {
  for (; !words.empty(); words = words.drop_front(words_of_call)) {
    Target target{words[0], words[1], words[2]};
    // All others together had as many calls as it has more.
    uint64_t lead = std::min(target.lead, target.calls);
    visit(target.address, lead + (target.calls - lead) / 2, target.calls);
  }
}

void promote_targets(ArrayRef<CallBase *> calls, ValueToValueMapTy &map, ArrayRef<uint64_t> words,
                     function_ref<Function *(const CallBase &, uintptr_t address)> find) {
  for (CallBase *call : calls) {
    Target target{words[0], words[1], words[2]};
    words = words.drop_front(words_of_call);
    if (target.calls < least_calls || target.lead < target.calls / usual_part)
      continue;
    auto *copy = dyn_cast_or_null<CallBase>(map.lookup(call));
    Function *callee = copy ? find(*call, target.address) : nullptr;
    // Only a call that fits as it is: the program may know what it does.
    if (!callee || callee->getFunctionType() != copy->getFunctionType() ||
        callee->getCallingConv() != copy->getCallingConv() || !isLegalToPromote(*copy, callee))
      continue;
    MDNode *weights = MDBuilder(copy->getContext()).createBranchWeights(1 << 20, 1 << 10);
    promoteCallWithIfThenElse(*copy, callee, weights);
  }
}

} // namespace bareflow
