// Freeing code that has been superseded, when the pool is full.
//
// Newest code is found through slots, and no other address of code is kept anywhere: superseded code is dead
// when no call of it is unfinished. Each of those has a return address on the stack, or, while the code
// itself was calling, the return address of what it called. A jmp_buf is only good for a call that is
// unfinished. Only code is freed: the addresses of constants may be anywhere.
#include "tiered.h"

using namespace llvm;

namespace bareflow {
namespace {

// All words on the program's stack that might be addresses in the pool, in order.
__attribute__((noinline)) std::vector<uintptr_t> pool_addresses_on_stack(const CodePool &pool) {
  // Puts what callers keep in registers on the stack.
  __builtin_unwind_init();
  std::vector<uintptr_t> found;
  auto *word = static_cast<const uintptr_t *>(__builtin_frame_address(0));
  auto *end = static_cast<const uintptr_t *>(program_stack_top);
  // No program runs: then end is null.
  for (; word < end; ++word)
    if (pool.contains(*word))
      found.push_back(*word);
  llvm::sort(found);
  return found;
}

bool is_referred_to(const CodePool::Allocations &allocations, ArrayRef<uintptr_t> addresses) {
  return any_of(allocations, [&](const CodePool::Allocation &allocation) {
    auto *next = llvm::lower_bound(addresses, allocation.range.start);
    // A return address may lie just behind the last instruction.
    return next != addresses.end() && *next <= allocation.range.end();
  });
}

} // namespace

void reclaim_code(void *user, function_ref<bool()> has_room) {
  auto &program = *static_cast<llvm_tiered *>(user);
  Compiler &compiler = *program.compiler;
  CodePool &pool = *compiler.module.context->pool;
  ProgramMemory scope;
  std::vector<uintptr_t> addresses = pool_addresses_on_stack(pool);
  std::deque<CodePool::Allocations> alive;
  while (!compiler.superseded.empty() && !has_room()) {
    CodePool::Allocations oldest = std::move(compiler.superseded.front());
    compiler.superseded.pop_front();
    if (is_referred_to(oldest, addresses))
      alive.push_back(std::move(oldest));
    else
      pool.free(oldest);
  }
  while (!alive.empty()) {
    compiler.superseded.push_front(std::move(alive.back()));
    alive.pop_back();
  }
}

} // namespace bareflow
