// The control flow of functions, counted with the fewest counters.
#include "tiered.h"

#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace bareflow {
namespace {

constexpr unsigned outside_node = 0;
// What is reserved for words of profiles at once.
constexpr size_t chunk_words = 2048;

// Edges of other terminators can have no block of their own.
bool has_plain_edges(const Instruction &terminator) {
  return isa<BranchInst, SwitchInst, ReturnInst, UnreachableInst>(terminator);
}

void increment(Instruction *before, uintptr_t counter) {
  IRBuilder<> builder(before);
  Constant *place = ConstantExpr::getIntToPtr(builder.getInt64(counter), builder.getPtrTy());
  Value *count = builder.CreateLoad(builder.getInt64Ty(), place);
  builder.CreateStore(builder.CreateAdd(count, builder.getInt64(1)), place);
}

} // namespace

Flow::Flow(Function &function) : function(function) {
  blocks.push_back(nullptr);
  for (BasicBlock &block : function) {
    is_countable &= !block.isEHPad() && has_plain_edges(*block.getTerminator());
    numbers[&block] = blocks.size();
    blocks.push_back(&block);
  }
  if (!is_countable)
    return;
  find_edges();
  choose_tree();
}

void Flow::find_edges() {
  edges.push_back({outside_node, numbers.lookup(&function.getEntryBlock()), 0, Edge::outside});
  std::vector<unsigned> predecessor_count(blocks.size());
  SmallVector<unsigned, 8> seen;
  for (unsigned from = 1; from < blocks.size(); ++from) {
    Instruction *terminator = blocks[from]->getTerminator();
    size_t first = edges.size();
    for (unsigned index = 0; index < terminator->getNumSuccessors(); ++index)
      edges.push_back({from, numbers.lookup(terminator->getSuccessor(index)), index, Edge::cheap});
    if (first == edges.size())
      edges.push_back({from, outside_node, 0, Edge::outside});
    // Of a switch, many lead to one block.
    auto by_target = [](const Edge &left, const Edge &right) { return left.to < right.to; };
    std::stable_sort(edges.begin() + first, edges.end(), by_target);
    auto is_same = [](const Edge &left, const Edge &right) { return left.to == right.to; };
    edges.erase(std::unique(edges.begin() + first, edges.end(), is_same), edges.end());
    for (size_t index = first; index < edges.size(); ++index)
      ++predecessor_count[edges[index].to];
  }
  ++predecessor_count[edges.front().to];

  // Edges back to where a depth-first search is are those of loops.
  std::vector<size_t> first_edge(blocks.size() + 1, edges.size());
  for (size_t index = edges.size(); index-- > 1;)
    first_edge[edges[index].from] = index;
  enum { unseen, open, done };
  std::vector<unsigned char> state(blocks.size(), unseen);
  std::vector<std::pair<unsigned, size_t>> path;
  auto enter = [&](unsigned node) {
    state[node] = open;
    path.push_back({node, first_edge[node]});
  };
  state[outside_node] = done;
  enter(edges.front().to);
  while (!path.empty()) {
    auto &[node, next] = path.back();
    if (next == edges.size() || edges[next].from != node) {
      state[node] = done;
      path.pop_back();
      continue;
    }
    Edge &edge = edges[next++];
    if (state[edge.to] == open)
      edge.is_back = true;
    else if (state[edge.to] == unseen)
      enter(edge.to);
  }
  auto has_one_successor = [&](unsigned node) {
    size_t next = first_edge[node] + 1;
    return next == edges.size() || edges[next].from != node;
  };
  for (Edge &edge : edges) {
    if (edge.cost == Edge::outside)
      continue;
    if (!has_one_successor(edge.from) && predecessor_count[edge.to] > 1)
      edge.cost = Edge::critical;
    else if (edge.is_back)
      edge.cost = Edge::repeated;
  }
}

void Flow::choose_tree() {
  std::vector<unsigned> parts(blocks.size());
  for (unsigned node = 0; node < parts.size(); ++node)
    parts[node] = node;
  auto part_of = [&](unsigned node) {
    while (parts[node] != node)
      node = parts[node] = parts[parts[node]];
    return node;
  };
  for (auto cost : {Edge::outside, Edge::critical, Edge::repeated, Edge::cheap})
    for (Edge &edge : edges) {
      if (edge.cost != cost)
        continue;
      unsigned from = part_of(edge.from), to = part_of(edge.to);
      // Where the entry is the end, nothing needs to be counted.
      edge.is_counted = from == to && cost != Edge::outside;
      counters += edge.is_counted;
      parts[from] = to;
    }
}

void Flow::count(ValueToValueMapTy &map, uintptr_t counters) const {
  for (const Edge &edge : edges) {
    if (!edge.is_counted)
      continue;
    uintptr_t counter = counters;
    counters += sizeof(uint64_t);
    auto *terminator = cast<Instruction>(map.lookup(blocks[edge.from]->getTerminator()));
    BasicBlock *to = terminator->getSuccessor(edge.successor);
    if (terminator->getParent()->getUniqueSuccessor()) {
      increment(terminator, counter);
      continue;
    }
    if (!to->getUniquePredecessor()) {
      auto options = CriticalEdgeSplittingOptions().setMergeIdenticalEdges();
      to = SplitKnownCriticalEdge(terminator, edge.successor, options);
    }
    increment(&*to->getFirstInsertionPt(), counter);
  }
}

void Flow::solve(ArrayRef<uint64_t> counters) {
  // What has come to each node and left it, as far as it is known; and through which edges more has.
  struct Node {
    uint64_t in = 0, out = 0;
    size_t open_edges = 0;
    // The sum of their numbers: when one is left, its number.
    size_t edge = 0;
  };
  std::vector<Node> nodes(blocks.size());
  auto settle = [&](const Edge &edge) {
    nodes[edge.from].out += edge.taken;
    nodes[edge.to].in += edge.taken;
  };
  for (Edge &edge : edges) {
    edge.taken = 0;
    if (edge.is_counted) {
      edge.taken = std::min(counters.front(), uint64_t(INT64_MAX) / edges.size());
      counters = counters.drop_front();
      settle(edge);
      continue;
    }
    for (unsigned node : {edge.from, edge.to}) {
      ++nodes[node].open_edges;
      nodes[node].edge += &edge - edges.data();
    }
  }
  SmallVector<unsigned, 32> leaves;
  for (unsigned node = 0; node < nodes.size(); ++node)
    if (nodes[node].open_edges == 1)
      leaves.push_back(node);
  while (!leaves.empty()) {
    unsigned leaf = leaves.pop_back_val();
    Node &node = nodes[leaf];
    if (node.open_edges != 1)
      continue;
    Edge &edge = edges[node.edge];
    // Calls that have not returned, and loops that were entered in the middle of a call, leave small differences.
    auto missing = [](uint64_t more, uint64_t less) { return more > less ? more - less : 0; };
    edge.taken = edge.from == leaf ? missing(node.in, node.out) : missing(node.out, node.in);
    settle(edge);
    for (unsigned end : {edge.from, edge.to}) {
      nodes[end].edge -= &edge - edges.data();
      if (--nodes[end].open_edges == 1)
        leaves.push_back(end);
    }
  }
  executed.clear();
  for (const Node &node : nodes)
    executed.push_back(std::max(node.in, node.out));
}

void Flow::run_straight(uint64_t entries) {
  for (Edge &edge : edges)
    edge.taken = entries;
  executed.assign(blocks.size(), entries);
}

uint64_t Flow::entries_of_loop(const BasicBlock *header) const {
  uint64_t entries = 0;
  for (const Edge &edge : edges)
    if (edge.to == numbers.lookup(header) && !edge.is_back)
      entries += edge.taken;
  return entries;
}

uint64_t Flow::most_executions() const {
  ArrayRef<uint64_t> all = all_executions();
  return all.empty() ? 0 : *std::max_element(all.begin(), all.end());
}

void Flow::weigh(ValueToValueMapTy &map) const {
  MDBuilder metadata(function.getContext());
  for (size_t first = 1, last; first < edges.size(); first = last) {
    const BasicBlock *block = blocks[edges[first].from];
    for (last = first; last < edges.size() && edges[last].from == edges[first].from;)
      ++last;
    const Instruction &source = *block->getTerminator();
    if (source.getNumSuccessors() < 2)
      continue;
    SmallDenseMap<const BasicBlock *, std::pair<uint64_t, uint64_t>, 8> taken;
    for (size_t index = first; index < last; ++index)
      taken[blocks[edges[index].to]].first = edges[index].taken;
    for (const BasicBlock *next : successors(block))
      ++taken[next].second;
    uint64_t most = 0;
    for (size_t index = first; index < last; ++index)
      most = std::max(most, edges[index].taken);
    uint64_t scale = most / (UINT32_MAX - 1) + 1;
    SmallVector<uint32_t, 8> weights;
    // What has not happened may happen: no weight is 0.
    for (const BasicBlock *next : successors(block)) {
      auto [times, edge_count] = taken.lookup(next);
      weights.push_back(times / edge_count / scale + 1);
    }
    if (auto *copy = dyn_cast_or_null<Instruction>(map.lookup(&source)))
      copy->setMetadata(LLVMContext::MD_prof, metadata.createBranchWeights(weights));
  }
  // What the programmer has expected would take the place of what was seen.
  for (const BasicBlock &block : function)
    for (const Instruction &source : block) {
      auto *expect = dyn_cast<IntrinsicInst>(&source);
      if (!expect || (expect->getIntrinsicID() != Intrinsic::expect &&
                      expect->getIntrinsicID() != Intrinsic::expect_with_probability))
        continue;
      auto *copy = cast<IntrinsicInst>(map.lookup(expect));
      copy->replaceAllUsesWith(copy->getArgOperand(0));
      copy->eraseFromParent();
    }
}

void Profiles::recall(uint32_t unit, ArrayRef<uint64_t> words) {
  llvm_profile_t &profile = known[unit];
  if (!profile.words)
    earlier[unit] = words.vec();
  else if (profile.count == words.size())
    copy(words, profile.words);
}

ArrayRef<uint64_t> Profiles::find(uint32_t unit, size_t count) const {
  const llvm_profile_t &profile = known[unit];
  if (profile.words && profile.count == count)
    return {profile.words, count};
  auto recalled = earlier.find(unit);
  if (recalled != earlier.end() && recalled->second.size() == count)
    return recalled->second;
  return {};
}

llvm_profile_t Profiles::of(uint32_t unit) const {
  auto recalled = earlier.find(unit);
  if (known[unit].words || recalled == earlier.end())
    return known[unit];
  return {const_cast<uint64_t *>(recalled->second.data()), recalled->second.size()};
}

void Profiles::share(CodePool &pool, llvm_profile_t *table) {
  // What all of SQLite needs is a quarter of it.
  constexpr size_t shared_bytes = 1 << 20, part_of_pool = 16;
  copy(own, table);
  known = table;
  is_shared = true;
  rest_words = 0;
  size_t bytes = std::min(shared_bytes, pool.size_bytes() / part_of_pool);
  auto memory = is_switched_on ? pool.reserve(bytes) : Expected<uintptr_t>(uintptr_t(0));
  if (!memory)
    return consumeError(memory.takeError());
  rest = *memory;
  rest_words = rest ? bytes / sizeof(uint64_t) : 0;
}

uintptr_t Profiles::make(CodePool &pool, uint32_t unit, size_t count) {
  // It outlives a compilation that fails, and is not left in the middle.
  ProgramMemory scope;
  llvm_profile_t &profile = known[unit];
  if (profile.words)
    return profile.count == count ? reinterpret_cast<uintptr_t>(profile.words) : 0;
  if (is_read_only || (is_shared && rest_words < count))
    return 0;
  if (rest_words < count) {
    size_t words = std::max(count, chunk_words);
    auto memory = pool.reserve(words * sizeof(uint64_t));
    if (!memory) {
      consumeError(memory.takeError());
      return 0;
    }
    rest = *memory;
    rest_words = words;
  }
  ArrayRef<uint64_t> recalled = find(unit, count);
  profile = {reinterpret_cast<uint64_t *>(rest), count};
  rest += count * sizeof(uint64_t);
  rest_words -= count;
  copy(recalled, profile.words);
  earlier.erase(unit);
  return reinterpret_cast<uintptr_t>(profile.words);
}

} // namespace bareflow
