// What a program consists of in the pool: told for a snapshot, and taken over from one.
#include "tiered.h"

using namespace llvm;
using namespace bareflow;

const llvm_code_symbol_t *bareflow::find_restored_symbol(uintptr_t address) {
  if (!running || running->compiler)
    return nullptr;
  for (size_t index = 0; index < running->symbol_count; ++index)
    if (address - running->symbols[index].address < running->symbols[index].bytes)
      return &running->symbols[index];
  return nullptr;
}

static void visit_allocations(const Compiler &compiler, const llvm_visitor_t &visitor) {
  DenseMap<uintptr_t, uint32_t> owners;
  for (uint32_t unit = 0; unit < compiler.newest.size(); ++unit) {
    const auto &allocations = compiler.newest[unit];
    // What several units share stays.
    if (allocations && allocations.use_count() == 1)
      for (const CodePool::Allocation &allocation : *allocations)
        owners[allocation.range.start] = unit;
  }
  for (uintptr_t address : compiler.data)
    owners[address] = LLVM_ALLOCATION_DATA;
  for (auto &[address, taken] : compiler.module.context->pool->taken()) {
    const CodePool::Allocation &allocation = taken.allocation;
    bool is_reserved = allocation.protection == 0;
    auto owner = owners.find(address);
    llvm_allocation_t found{address, allocation.range.size, allocation.protection, LLVM_ALLOCATION_KEPT};
    if (is_reserved) {
      found.owner = LLVM_ALLOCATION_RESERVED;
      found.protection = LLVM_PROTECTION_READ |
                         (taken.is_sealed ? LLVM_PROTECTION_EXECUTE : LLVM_PROTECTION_WRITE);
    } else if (owner != owners.end()) {
      found.owner = owner->second;
    }
    visitor.allocation(visitor.user, &found);
  }
}

static void visit_anchors(llvm_tiered &program, const llvm_visitor_t &visitor) {
  Compiler &compiler = *program.compiler;
  auto visit = [&](llvm_anchor_kind_t kind, const char *name, uintptr_t address) {
    llvm_anchor_t anchor{kind, name, address};
    visitor.anchor(visitor.user, &anchor);
  };
  visit(LLVM_ANCHOR_COUNTERS, "", reinterpret_cast<uintptr_t>(program.counters));
  visit(LLVM_ANCHOR_STUBS, "", program.stubs);
  if (compiler.counters.copies)
    visit(LLVM_ANCHOR_COPIES, "", reinterpret_cast<uintptr_t>(compiler.counters.copies));
  visit(program.main_returns ? LLVM_ANCHOR_MAIN : LLVM_ANCHOR_VOID_MAIN, "", program.main);
  for (void *function : program.constructors)
    visit(LLVM_ANCHOR_CONSTRUCTOR, "", reinterpret_cast<uintptr_t>(function));
  for (void *function : program.destructors)
    visit(LLVM_ANCHOR_DESTRUCTOR, "", reinterpret_cast<uintptr_t>(function));
  uintptr_t stubs_end = program.stub(program.unit_count);
  std::vector<std::pair<StringRef, uintptr_t>> symbols;
  for (auto &symbol : compiler.linker.all_symbols())
    if (symbol.second < program.stubs || symbol.second >= stubs_end)
      symbols.push_back({symbol.first(), symbol.second});
  llvm::sort(symbols);
  for (auto &[name, address] : symbols)
    visit(LLVM_ANCHOR_SYMBOL, name.data(), address);
  for (const Imports::Page &page : compiler.linker.all_imports().all_pages()) {
    visit(LLVM_ANCHOR_GOT, "", page.words);
    visit(LLVM_ANCHOR_PLT, "", page.stubs);
  }
  std::vector<std::pair<uintptr_t, StringRef>> imports;
  for (auto &word : compiler.linker.all_imports().all_words())
    imports.push_back({word.second, word.first()});
  llvm::sort(imports);
  for (auto &[address, name] : imports)
    visit(LLVM_ANCHOR_IMPORT, name.data(), address);
}

llvm_error_t llvm_tiered_visit(llvm_tiered_t *program, const llvm_visitor_t *visitor) {
  if (!program || !program->compiler || !visitor || visitor->size < sizeof *visitor)
    return LLVM_ERROR_INVALID_ARGUMENT;
  ProgramMemory scope;
  // What no call needs any more is not worth being remembered.
  reclaim_code(program, [] { return false; });
  visit_allocations(*program->compiler, *visitor);
  visit_anchors(*program, *visitor);
  return LLVM_OK;
}

llvm_error_t llvm_tiered_restore(const llvm_restored_t *restored, const llvm_tier_hooks_t *hooks,
                                 llvm_tiered_t **result) {
  if (!restored || restored->size < sizeof *restored || !hooks || hooks->size < sizeof *hooks ||
      !result || running)
    return LLVM_ERROR_INVALID_ARGUMENT;
  auto program = std::make_unique<llvm_tiered>();
  program->hooks = *hooks;
  program->unit_count = restored->unit_count;
  program->lay_out(restored->counters, restored->stubs);
  program->tiers.assign(restored->tiers, restored->tiers + restored->unit_count);
  program->profiles.open(restored->unit_count, hooks->is_guided);
  for (uint32_t unit = 0; unit < restored->unit_count; ++unit)
    program->profiles.adopt(unit, restored->profiles[unit]);
  for (uint32_t unit = 0; unit < restored->unit_count; ++unit)
    if (!program->has_code(unit))
      program->slots[unit] = reinterpret_cast<void *>(program->no_code(unit));
  for (uint32_t unit = 0; unit < restored->unit_count; ++unit)
    program->code.push_back(reinterpret_cast<uintptr_t>(program->slots[unit]));
  for (size_t index = 0; index < restored->anchor_count; ++index) {
    const llvm_anchor_t &anchor = restored->anchors[index];
    auto *address = reinterpret_cast<void *>(anchor.address);
    switch (anchor.kind) {
    case LLVM_ANCHOR_MAIN:
    case LLVM_ANCHOR_VOID_MAIN:
      program->main = anchor.address;
      program->main_returns = anchor.kind == LLVM_ANCHOR_MAIN;
      break;
    case LLVM_ANCHOR_CONSTRUCTOR:
      program->constructors.push_back(address);
      break;
    case LLVM_ANCHOR_DESTRUCTOR:
      program->destructors.push_back(address);
      break;
    default:
      break;
    }
  }
  program->symbols = restored->symbols;
  program->symbol_count = restored->symbol_count;
  *result = running = program.release();
  return LLVM_OK;
}

static void take_anchors(llvm_tiered &program, ArrayRef<llvm_anchor_t> anchors) {
  Compiler &compiler = *program.compiler;
  Imports &imports = compiler.linker.all_imports();
  uintptr_t words = 0;
  for (const llvm_anchor_t &anchor : anchors)
    switch (anchor.kind) {
    case LLVM_ANCHOR_COPIES:
      compiler.counters.copies = reinterpret_cast<CopyProfile *>(anchor.address);
      break;
    case LLVM_ANCHOR_SYMBOL:
      compiler.linker.define(anchor.name, anchor.address);
      break;
    case LLVM_ANCHOR_GOT:
      words = anchor.address;
      break;
    case LLVM_ANCHOR_PLT: {
      ProgramMemory scope;
      imports.adopt_page(words, anchor.address);
      break;
    }
    case LLVM_ANCHOR_IMPORT:
      imports.adopt(anchor.name, anchor.address);
      break;
    default:
      break;
    }
}

static void take_allocations(Compiler &compiler, ArrayRef<llvm_allocation_t> allocations) {
  ProgramMemory scope;
  CodePool &pool = *compiler.module.context->pool;
  for (const llvm_allocation_t &found : allocations) {
    bool is_reserved = found.owner == LLVM_ALLOCATION_RESERVED;
    CodePool::Allocation allocation{{found.address, found.bytes}, is_reserved ? 0 : found.protection};
    pool.adopt(allocation, is_reserved && (found.protection & LLVM_PROTECTION_EXECUTE));
    if (found.owner < compiler.newest.size()) {
      auto &allocations = compiler.newest[found.owner];
      if (!allocations)
        allocations = std::make_shared<CodePool::Allocations>();
      allocations->push_back(allocation);
    } else if (found.owner == LLVM_ALLOCATION_DATA) {
      compiler.data.push_back(found.address);
    }
  }
}

llvm_error_t llvm_tiered_attach(llvm_tiered_t *program, llvm_module_t *module,
                                const llvm_contents_t *contents) {
  if (!program || !module || program->compiler || !contents || contents->size < sizeof *contents)
    return LLVM_ERROR_INVALID_ARGUMENT;
  llvm_context *context = module->context;
  llvm_error_t error = enter(context, [&]() -> llvm_error_t {
    std::unique_ptr<Compiler> compiler;
    {
      ProgramMemory scope;
      compiler = std::make_unique<Compiler>(*module);
    }
    if (llvm_error_t error = open_module(*compiler))
      return error;
    if (compiler->units.size() != program->unit_count)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT,
                  "llvm_tiered_attach: the program has other units than the module");
    {
      ProgramMemory scope;
      compiler->newest.resize(program->unit_count);
    }
    compiler->use(*program);
    program->compiler = std::move(compiler);
    for (const Unit &unit : program->compiler->units)
      program->compiler->linker.define(unit.symbol, program->stub(unit.index));
    take_allocations(*program->compiler, {contents->allocations, contents->allocation_count});
    take_anchors(*program, {contents->anchors, contents->anchor_count});
    for (size_t index = 0; index < program->symbol_count; ++index) {
      const llvm_code_symbol_t &symbol = program->symbols[index];
      context->pool->add_symbol(symbol.address, symbol.bytes, symbol.name);
    }
    context->pool->set_reclaim(reclaim_code, program);
    return LLVM_OK;
  });
  if (error == LLVM_OK)
    take_checkpoint(*context);
  return error;
}
