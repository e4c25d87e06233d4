// Copies and fills whose size is not known before the program runs: unoptimised code notes what it sees, and
// optimised code has a version for the size that was always the same.
#include "tiered.h"

#include "../code_pool.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

#include <stddef.h>

using namespace llvm;

namespace bareflow {

// What was seen at one place.
struct CopyProfile {
  static constexpr uint64_t nothing = UINT64_MAX;

  uint64_t count;
  // The first size, and in what bits others were different.
  uint64_t size;
  uint64_t differences;
  // All addresses.
  uint64_t addresses;
};

namespace {

// Before that, a size may be the same by chance.
constexpr uint64_t least_count = 16;
// Instructions without a loop do not pay for larger ones.
constexpr uint64_t largest_size = 512;
// All of it is in registers at once.
constexpr uint64_t largest_move = 128;
// A cache line.
constexpr uint64_t largest_alignment = 64;

MemIntrinsic *unknown_copy(Instruction &instruction) {
  auto *copy = dyn_cast<MemIntrinsic>(&instruction);
  return copy && !copy->isVolatile() && !isa<ConstantInt>(copy->getLength()) ? copy : nullptr;
}

// All addresses of the copy, or'ed.
Value *addresses_of(IRBuilderBase &builder, MemIntrinsic &copy) {
  Value *addresses = builder.CreatePtrToInt(copy.getRawDest(), builder.getInt64Ty());
  if (auto *transfer = dyn_cast<MemTransferInst>(&copy))
    addresses = builder.CreateOr(
        addresses, builder.CreatePtrToInt(transfer->getRawSource(), builder.getInt64Ty()));
  return addresses;
}

void watch(MemIntrinsic &copy, CopyProfile &profile) {
  IRBuilder<> builder(&copy);
  Type *word = builder.getInt64Ty();
  auto field = [&](size_t offset) {
    return ConstantExpr::getIntToPtr(
        builder.getInt64(reinterpret_cast<uint64_t>(&profile) + offset), builder.getPtrTy());
  };
  auto update = [&](size_t offset, function_ref<Value *(Value *)> change) {
    Value *changed = change(builder.CreateLoad(word, field(offset)));
    builder.CreateStore(changed, field(offset));
    return changed;
  };
  Value *size = builder.CreateZExtOrTrunc(copy.getLength(), word);
  update(offsetof(CopyProfile, count),
         [&](Value *count) { return builder.CreateAdd(count, builder.getInt64(1)); });
  Value *first = update(offsetof(CopyProfile, size), [&](Value *first) {
    Value *is_first = builder.CreateICmpEQ(first, builder.getInt64(CopyProfile::nothing));
    return builder.CreateSelect(is_first, size, first);
  });
  update(offsetof(CopyProfile, differences), [&](Value *differences) {
    return builder.CreateOr(differences, builder.CreateXor(first, size));
  });
  update(offsetof(CopyProfile, addresses), [&](Value *addresses) {
    return builder.CreateOr(addresses, addresses_of(builder, copy));
  });
}

// The copy as loads and stores of at most a cache line; the target splits what is too wide for it. LLVM's own
// inline copies become string instructions when they are long, which start slowly.
void create_fixed(IRBuilderBase &builder, MemIntrinsic &copy, uint64_t bytes, Align alignment) {
  auto *transfer = dyn_cast<MemTransferInst>(&copy);
  bool may_overlap = isa<MemMoveInst>(copy);
  SmallVector<std::pair<Value *, uint64_t>, 8> loaded;
  auto store = [&](Value *value, uint64_t offset) {
    Value *place = builder.CreateConstGEP1_64(builder.getInt8Ty(), copy.getRawDest(), offset);
    builder.CreateAlignedStore(value, place, commonAlignment(alignment, offset));
  };
  uint64_t offset = 0;
  for (uint64_t width = largest_alignment; offset < bytes; width /= 2)
    for (; bytes - offset >= width; offset += width) {
      if (!transfer) {
        store(builder.CreateVectorSplat(width, cast<MemSetInst>(copy).getValue()), offset);
        continue;
      }
      Value *place =
          builder.CreateConstGEP1_64(builder.getInt8Ty(), transfer->getRawSource(), offset);
      Value *value = builder.CreateAlignedLoad(FixedVectorType::get(builder.getInt8Ty(), width),
                                               place, commonAlignment(alignment, offset));
      if (may_overlap)
        loaded.push_back({value, offset});
      else
        store(value, offset);
    }
  for (auto &[value, at] : loaded)
    store(value, at);
}

void specialise(MemIntrinsic &copy, const CopyProfile &profile) {
  uint64_t most = isa<MemMoveInst>(copy) ? largest_move : largest_size;
  if (profile.count < least_count || profile.differences != 0 || profile.size > most)
    return;
  IRBuilder<> builder(&copy);
  Align alignment(uint64_t(1) << countr_zero(profile.addresses | largest_alignment));
  Value *is_usual = builder.CreateICmpEQ(
      copy.getLength(), ConstantInt::get(copy.getLength()->getType(), profile.size));
  if (alignment > 1) {
    Value *low = builder.CreateAnd(addresses_of(builder, copy), alignment.value() - 1);
    is_usual =
        builder.CreateLogicalAnd(is_usual, builder.CreateICmpEQ(low, builder.getInt64(0)));
  }
  Instruction *usual, *other;
  SplitBlockAndInsertIfThenElse(is_usual, &copy, &usual, &other,
                                MDBuilder(copy.getContext()).createBranchWeights(1 << 20, 1));
  builder.SetInsertPoint(usual);
  create_fixed(builder, copy, profile.size, alignment);
  copy.moveBefore(other);
}

// Calls `change` with each copy of `clone`, made of `source` with `map`, and its profile.
void for_each(const Counters &counters, Function &source, ValueToValueMapTy &map,
              void (*change)(MemIntrinsic &, CopyProfile &)) {
  for (Instruction &instruction : instructions(source)) {
    auto number = counters.copy_numbers.find(&instruction);
    if (number == counters.copy_numbers.end())
      continue;
    if (auto *clone = dyn_cast_or_null<MemIntrinsic>(map.lookup(&instruction)))
      change(*clone, counters.copies[number->second]);
  }
}

} // namespace

// The library's function that the copy is a call of.
static StringRef function_of(const MemIntrinsic &copy) {
  return isa<MemSetInst>(copy) ? "memset" : isa<MemMoveInst>(copy) ? "memmove" : "memcpy";
}

void number_copies(Module &ir, Counters &counters) {
  for (Function &function : ir)
    for (Instruction &instruction : instructions(function)) {
      MemIntrinsic *copy = unknown_copy(instruction);
      // The program's own function may do more.
      Function *own = copy ? ir.getFunction(function_of(*copy)) : nullptr;
      if (copy && (!own || own->isDeclaration()))
        counters.copy_numbers.insert({&instruction, counters.copy_numbers.size()});
    }
}

Error create_copy_profiles(CodePool &pool, Counters &counters) {
  size_t count = counters.copy_numbers.size();
  if (count == 0)
    return Error::success();
  auto memory = pool.reserve(count * sizeof(CopyProfile));
  if (!memory)
    return memory.takeError();
  counters.copies = reinterpret_cast<CopyProfile *>(*memory);
  std::fill_n(counters.copies, count, CopyProfile{0, CopyProfile::nothing, 0, 0});
  return Error::success();
}

void watch_copies(const Counters &counters, Function &source, ValueToValueMapTy &map) {
  for_each(counters, source, map, watch);
}

void specialise_copies(const Counters &counters, Function &source, ValueToValueMapTy &map) {
  for_each(counters, source, map,
           [](MemIntrinsic &copy, CopyProfile &profile) { specialise(copy, profile); });
}

} // namespace bareflow
