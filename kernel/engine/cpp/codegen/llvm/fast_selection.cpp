// What FastISel, which makes the code at O0, does not know goes another way, by a graph: what stands before it in its
// block too, and it takes a hundred times as long. Here it becomes what FastISel knows.
#include "generator.h"

#include "../../tiered/tiered.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace bareflow {
namespace {

// A switch as comparisons, which halve the cases until there are few.
class Comparisons {
public:
  static void replace(SwitchInst &choice) { Comparisons(choice).run(choice); }

private:
  struct Case {
    ConstantInt *number;
    BasicBlock *target;
  };

  explicit Comparisons(SwitchInst &choice)
      : first(choice.getParent()), behind(first->getNextNode()), otherwise(choice.getDefaultDest()),
        value(choice.getCondition()) {}

  void run(SwitchInst &choice) {
    std::vector<Case> cases;
    for (auto &one : choice.cases())
      cases.push_back({one.getCaseValue(), one.getCaseSuccessor()});
    llvm::sort(cases, [](const Case &left, const Case &right) {
      return left.number->getValue().ult(right.number->getValue());
    });
    SmallSetVector<BasicBlock *, 8> targets(succ_begin(first), succ_end(first));
    choice.eraseFromParent();
    compare(first, cases);
    for (BasicBlock *target : targets)
      give_edges(*target);
  }

  BasicBlock *new_block() {
    return BasicBlock::Create(first->getContext(), "", first->getParent(), behind);
  }

  void compare(BasicBlock *block, ArrayRef<Case> cases) {
    // As many are compared one after the other.
    constexpr size_t few = 4;
    IRBuilder<> builder(block);
    if (cases.size() > few) {
      size_t half = cases.size() / 2;
      BasicBlock *below = new_block(), *above = new_block();
      builder.CreateCondBr(builder.CreateICmpULT(value, cases[half].number), below, above);
      compare(below, cases.take_front(half));
      compare(above, cases.drop_front(half));
    } else if (cases.empty()) {
      builder.CreateBr(otherwise);
      edges[otherwise].push_back(block);
    } else {
      BasicBlock *next = cases.size() > 1 ? new_block() : otherwise;
      Value *is_it = builder.CreateICmpEQ(value, cases.front().number);
      builder.CreateCondBr(is_it, cases.front().target, next);
      edges[cases.front().target].push_back(block);
      if (cases.size() > 1)
        compare(next, cases.drop_front());
      else
        edges[otherwise].push_back(block);
    }
  }

  // What came from the switch comes from the comparisons.
  void give_edges(BasicBlock &target) {
    for (PHINode &phi : target.phis()) {
      Value *incoming = phi.getIncomingValueForBlock(first);
      phi.removeIncomingValueIf([&](unsigned way) { return phi.getIncomingBlock(way) == first; },
                                /*DeletePHIIfEmpty=*/false);
      for (BasicBlock *from : edges[&target])
        phi.addIncoming(incoming, from);
    }
  }

  BasicBlock *first, *behind, *otherwise;
  Value *value;
  // From where each target is reached.
  DenseMap<BasicBlock *, SmallVector<BasicBlock *, 2>> edges;
};

// Bit-fields are often of three bytes. What is computed with such numbers is computed with four, of which the highest is
// always zero, and memory is read and written in parts.
class WideNumbers {
public:
  void replace(Instruction &user) {
    Value *narrow = user.getNumOperands() ? user.getOperand(0) : nullptr;
    if (!narrow || !narrow->getType()->isIntegerTy(narrow_bits))
      return;
    auto *store = dyn_cast<StoreInst>(&user);
    bool is_known = isa<ZExtInst>(user) || (store && store->isSimple());
    Value *wide = is_known ? widen(*narrow) : nullptr;
    if (!wide)
      return;
    IRBuilder<> builder(&user);
    if (store)
      store_in_parts(builder, *store, wide);
    else
      user.replaceAllUsesWith(builder.CreateZExtOrTrunc(wide, user.getType()));
    replaced.push_back(&user);
  }

  // When all has been looked at.
  void erase_replaced() {
    for (Instruction *user : replaced) {
      Value *narrow = user->getOperand(0);
      user->eraseFromParent();
      RecursivelyDeleteTriviallyDeadInstructions(narrow);
    }
  }

private:
  static constexpr unsigned narrow_bits = 24, wide_bits = 32, low_bits = 16;
  static constexpr uint64_t mask = (1 << narrow_bits) - 1;

  // Where the third byte is.
  static Value *third_byte(IRBuilderBase &builder, Value *place) {
    return builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), place, low_bits / 8);
  }

  static void store_in_parts(IRBuilderBase &builder, StoreInst &store, Value *wide) {
    Value *place = store.getPointerOperand();
    builder.CreateAlignedStore(builder.CreateTrunc(wide, builder.getInt16Ty()), place,
                               store.getAlign());
    Value *high = builder.CreateTrunc(builder.CreateLShr(wide, low_bits), builder.getInt8Ty());
    builder.CreateAlignedStore(high, third_byte(builder, place),
                               commonAlignment(store.getAlign(), low_bits / 8));
  }

  static Value *load_in_parts(IRBuilderBase &builder, LoadInst &load) {
    Value *place = load.getPointerOperand();
    Value *low = builder.CreateAlignedLoad(builder.getInt16Ty(), place, load.getAlign());
    Value *high = builder.CreateAlignedLoad(builder.getInt8Ty(), third_byte(builder, place),
                                            commonAlignment(load.getAlign(), low_bits / 8));
    Value *shifted = builder.CreateShl(builder.CreateZExt(high, builder.getInt32Ty()), low_bits);
    return builder.CreateOr(builder.CreateZExt(low, builder.getInt32Ty()), shifted);
  }

  // Null if it is computed in another way.
  Value *widen(Value &narrow) {
    if (auto *number = dyn_cast<ConstantInt>(&narrow))
      return ConstantInt::get(narrow.getContext(), number->getValue().zext(wide_bits));
    auto *instruction = dyn_cast<Instruction>(&narrow);
    if (!instruction)
      return nullptr;
    auto known = wide.find(instruction);
    if (known != wide.end())
      return known->second;
    return wide[instruction] = compute(*instruction);
  }

  Value *compute(Instruction &narrow) {
    IRBuilder<> builder(&narrow);
    if (auto *load = dyn_cast<LoadInst>(&narrow))
      return load->isSimple() ? load_in_parts(builder, *load) : nullptr;
    if (isa<TruncInst>(narrow))
      return builder.CreateAnd(
          builder.CreateZExtOrTrunc(narrow.getOperand(0), builder.getInt32Ty()), mask);
    unsigned operation = narrow.getOpcode();
    bool is_shift = operation == Instruction::Shl || operation == Instruction::LShr;
    if (!is_shift && operation != Instruction::And && operation != Instruction::Or &&
        operation != Instruction::Xor)
      return nullptr;
    Value *left = widen(*narrow.getOperand(0));
    Value *right = widen(*narrow.getOperand(1));
    if (!left || !right)
      return nullptr;
    Value *result = builder.CreateBinOp(static_cast<Instruction::BinaryOps>(operation), left, right);
    return operation == Instruction::Shl ? builder.CreateAnd(result, mask) : result;
  }

  DenseMap<Instruction *, Value *> wide;
  std::vector<Instruction *> replaced;
};

// On this processor such an access is any other, and nobody may leave a volatile one out or divide it.
template <typename Access> void forget_order(Access &access, Type *type) {
  const DataLayout &layout = access.getModule()->getDataLayout();
  if (!access.isAtomic() || access.getOrdering() == AtomicOrdering::SequentiallyConsistent ||
      access.getAlign() < layout.getTypeStoreSize(type))
    return;
  access.setAtomic(AtomicOrdering::NotAtomic);
  access.setVolatile(true);
}

// What the code generator makes of it as well.
void call_memmove(MemMoveInst &copy) {
  IRBuilder<> builder(&copy);
  Type *pointer = builder.getPtrTy(), *word = builder.getInt64Ty();
  if (copy.getRawDest()->getType() != pointer || copy.getRawSource()->getType() != pointer)
    return;
  FunctionCallee function =
      copy.getModule()->getOrInsertFunction("memmove", pointer, pointer, pointer, word);
  builder.CreateCall(function, {copy.getRawDest(), copy.getRawSource(),
                                builder.CreateZExtOrTrunc(copy.getLength(), word)});
  copy.eraseFromParent();
}

// FastISel passes a truth value only if it has just been made of a number.
void pass_numbers(CallInst &call) {
  IRBuilder<> builder(&call);
  for (Use &argument : call.args())
    if (argument->getType()->isIntegerTy(1) && !isa<Constant>(argument) &&
        !call.paramHasAttr(call.getArgOperandNo(&argument), Attribute::SExt)) {
      Value *number = builder.CreateZExt(argument, builder.getInt8Ty());
      argument.set(builder.CreateTrunc(number, argument->getType()));
    }
}

void replace(Instruction &instruction, WideNumbers &numbers) {
  if (auto *load = dyn_cast<LoadInst>(&instruction))
    forget_order(*load, load->getType());
  else if (auto *store = dyn_cast<StoreInst>(&instruction))
    forget_order(*store, store->getValueOperand()->getType());
  else if (auto *copy = dyn_cast<MemMoveInst>(&instruction))
    return call_memmove(*copy);
  else if (auto *call = dyn_cast<CallInst>(&instruction); call && !isa<IntrinsicInst>(call))
    pass_numbers(*call);
  numbers.replace(instruction);
}

// What must not be reached leads to one place, where it ends.
void trap_in_one_place(Function &function) {
  BasicBlock *end = nullptr;
  for (BasicBlock &block : function) {
    Instruction *last = block.getTerminator();
    if (!isa<UnreachableInst>(last))
      continue;
    if (!end) {
      end = BasicBlock::Create(function.getContext(), "", &function);
      IRBuilder<> builder(end);
      builder.CreateIntrinsic(Intrinsic::trap, {}, {});
      builder.CreateBr(end);
    }
    IRBuilder<>(last).CreateBr(end);
    last->eraseFromParent();
  }
}

} // namespace

void prepare_for_fast_selection(Module &ir) {
  for (Function &function : ir) {
    // Its assembly is all that it is.
    if (function.isDeclaration() || function.hasFnAttribute(Attribute::Naked))
      continue;
    // An interpreter jumps through its table.
    bool has_table = has_numbered_labels(function);
    for (BasicBlock &block : make_early_inc_range(function))
      if (auto *choice = dyn_cast<SwitchInst>(block.getTerminator()); choice && !has_table)
        Comparisons::replace(*choice);
    trap_in_one_place(function);
    WideNumbers numbers;
    for (BasicBlock &block : function)
      for (Instruction &instruction : make_early_inc_range(block)) {
        // Nobody asks for it at O0 but to find nothing.
        instruction.dropUnknownNonDebugMetadata();
        replace(instruction, numbers);
      }
    numbers.erase_replaced();
  }
}

} // namespace bareflow
