// Labels whose address is taken (computed goto) become numbers, and jumps to such addresses become switches. The
// numbers mean the same in every version of the function, so that it is a unit as others are: a label that one
// version has stored is one that all versions know.
#include "tiered.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

namespace bareflow {
namespace {

constexpr StringRef numbered = "bareflow-numbered-labels";

// What a jump chooses by, and where each value leads.
struct Choice {
  Value *number = nullptr;
  std::vector<std::pair<uint64_t, BasicBlock *>> targets;
};

class LabelNumberer {
public:
  explicit LabelNumberer(Function &function)
      : function(function), word(Type::getInt64Ty(function.getContext())) {}

  void run() {
    for (BasicBlock &block : function)
      if (BlockAddress *label = BlockAddress::lookup(&block); label && block.hasAddressTaken()) {
        labels.push_back(label);
        numbers[&block] = labels.size();
      }
    if (labels.empty() || any_of(labels, is_wanted_by_assembly))
      return;
    function.addFnAttr(numbered);
    // While the tables still have labels.
    for (BasicBlock &block : function)
      if (auto *jump = dyn_cast<IndirectBrInst>(block.getTerminator()))
        replace(*jump);
    for (BlockAddress *label : labels) {
      Constant *number = ConstantInt::get(word, numbers[label->getBasicBlock()]);
      label->replaceAllUsesWith(ConstantExpr::getIntToPtr(number, label->getType()));
      label->destroyConstant();
    }
  }

private:
  // Assembly jumps by itself, or notes where it stands.
  static bool is_wanted_by_assembly(const Constant *constant) {
    return any_of(constant->users(), [](const User *user) {
      if (auto *call = dyn_cast<CallBase>(user))
        return call->isInlineAsm();
      auto *other = dyn_cast<Constant>(user);
      return other && !isa<GlobalValue>(other) && is_wanted_by_assembly(other);
    });
  }

  // The index with which `address` was loaded from `table`, or from any table if that is null: then it is noted.
  // Null if it was not.
  Value *index_of(Value *address, GlobalVariable *&table) const {
    auto *load = dyn_cast<LoadInst>(address);
    auto *element = load && load->isSimple() ? dyn_cast<GEPOperator>(load->getPointerOperand()) : nullptr;
    auto *variable = element ? dyn_cast<GlobalVariable>(element->getPointerOperand()) : nullptr;
    if (!variable || (table && variable != table) || !variable->isConstant() ||
        !variable->hasDefinitiveInitializer())
      return nullptr;
    auto *entries = dyn_cast<ConstantArray>(variable->getInitializer());
    if (!entries)
      return nullptr;
    Type *type = element->getSourceElementType();
    Value *index = nullptr;
    if (element->getNumIndices() == 1 && type == entries->getType()->getElementType())
      index = element->getOperand(1);
    else if (element->getNumIndices() == 2 && type == entries->getType() &&
             match_zero(element->getOperand(1)))
      index = element->getOperand(2);
    bool has_labels_only = all_of(entries->operands(), [&](const Use &entry) {
      auto *label = dyn_cast<BlockAddress>(entry.get());
      return label && label->getFunction() == &function;
    });
    if (!index || !index->getType()->isIntegerTy() || !has_labels_only)
      return nullptr;
    table = variable;
    return index;
  }

  static bool match_zero(const Value *value) {
    auto *constant = dyn_cast<ConstantInt>(value);
    return constant && constant->isZero();
  }

  Value *index_as_word(Value *address, GlobalVariable *table) const {
    Value *index = index_of(address, table);
    return IRBuilder<>(cast<LoadInst>(address)).CreateSExtOrTrunc(index, word);
  }

  // An interpreter's jump: through its table, whose index says as much as the label.
  bool choose_by_index(IndirectBrInst &jump, Choice &choice) const {
    Value *address = jump.getAddress();
    auto *phi = dyn_cast<PHINode>(address);
    GlobalVariable *table = nullptr;
    if (phi && phi->getParent() == jump.getParent()) {
      if (!all_of(phi->incoming_values(), [&](Value *value) { return index_of(value, table); }))
        return false;
      PHINode *index = IRBuilder<>(phi).CreatePHI(word, phi->getNumIncomingValues());
      DenseMap<Value *, Value *> known;
      for (unsigned way = 0; way < phi->getNumIncomingValues(); ++way) {
        Value *&as_word = known[phi->getIncomingValue(way)];
        if (!as_word)
          as_word = index_as_word(phi->getIncomingValue(way), table);
        index->addIncoming(as_word, phi->getIncomingBlock(way));
      }
      choice.number = index;
    } else if (index_of(address, table)) {
      choice.number = index_as_word(address, table);
    } else {
      return false;
    }
    auto *entries = cast<ConstantArray>(table->getInitializer());
    for (unsigned entry = 0; entry < entries->getNumOperands(); ++entry)
      choice.targets.push_back(
          {entry, cast<BlockAddress>(entries->getOperand(entry))->getBasicBlock()});
    return true;
  }

  void choose_by_number(IndirectBrInst &jump, Choice &choice) const {
    choice.number = IRBuilder<>(&jump).CreatePtrToInt(jump.getAddress(), word);
    SmallPtrSet<BasicBlock *, 16> seen;
    for (BasicBlock *target : successors(&jump))
      if (auto number = numbers.find(target); number != numbers.end() && seen.insert(target).second)
        choice.targets.push_back({number->second, target});
  }

  // One edge to each target for each of its cases, where one edge stood for each time that it was listed.
  static void set_edges(BasicBlock &block, const Choice &choice, ArrayRef<BasicBlock *> listed) {
    DenseMap<BasicBlock *, unsigned> edges;
    for (auto &target : choice.targets)
      ++edges[target.second];
    SmallPtrSet<BasicBlock *, 16> seen;
    for (BasicBlock *target : listed) {
      if (!seen.insert(target).second)
        continue;
      for (PHINode &phi : target->phis()) {
        Value *value = phi.getIncomingValueForBlock(&block);
        phi.removeIncomingValueIf([&](unsigned way) { return phi.getIncomingBlock(way) == &block; },
                                  /*DeletePHIIfEmpty=*/false);
        for (unsigned edge = edges.lookup(target); edge > 0; --edge)
          phi.addIncoming(value, &block);
      }
    }
  }

  void replace(IndirectBrInst &jump) {
    BasicBlock &block = *jump.getParent();
    SmallVector<BasicBlock *, 64> listed(successors(&jump));
    Choice choice;
    bool is_by_index = choose_by_index(jump, choice);
    // A table may name what the jump does not list: then it does not come to it.
    SmallPtrSet<BasicBlock *, 32> possible(listed.begin(), listed.end());
    llvm::erase_if(choice.targets, [&](auto &target) { return !possible.contains(target.second); });
    if (!is_by_index)
      choose_by_number(jump, choice);
    set_edges(block, choice, listed);
    BasicBlock *nowhere = BasicBlock::Create(function.getContext(), "", &function);
    new UnreachableInst(function.getContext(), nowhere);
    IRBuilder<> builder(&jump);
    SwitchInst *way = builder.CreateSwitch(choice.number, nowhere, choice.targets.size());
    for (auto &[number, target] : choice.targets)
      way->addCase(ConstantInt::get(cast<IntegerType>(word), number), target);
    auto *phi = dyn_cast<PHINode>(jump.getAddress());
    jump.eraseFromParent();
    if (phi && phi->use_empty())
      phi->eraseFromParent();
  }

  Function &function;
  Type *word;
  std::vector<BlockAddress *> labels;
  DenseMap<BasicBlock *, uint64_t> numbers;
};

} // namespace

bool has_numbered_labels(const Function &function) { return function.hasFnAttribute(numbered); }

bool number_labels(Function &function) {
  LabelNumberer(function).run();
  return has_numbered_labels(function);
}

} // namespace bareflow
