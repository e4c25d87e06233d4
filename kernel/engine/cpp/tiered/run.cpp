// The C interface of programs in tiers.
#include "tiered.h"

#include "../arch/arch.h"
#include "../interpreter/interpret.h"

using namespace llvm;
using namespace bareflow;

namespace bareflow {

static llvm_error_t fail_compile(llvm_context &context, const Twine &what, Error error) {
  bool is_refused = error.isA<Refusal>();
  std::string text = toString(std::move(error));
  if (StringRef(text).contains("out of memory"))
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, text);
  if (is_refused)
    return fail(context, LLVM_ERROR_REFUSED, what + ": " + text);
  bool missing = StringRef(text).contains("Symbols not found");
  return fail(context, missing ? LLVM_ERROR_UNRESOLVED_SYMBOLS : LLVM_ERROR_INTERNAL,
              what + ": " + text);
}

static llvm_error_t place_data(Compiler &compiler) {
  llvm_module &module = compiler.module;
  llvm_context &context = *module.context;
  std::unique_ptr<Module> data = cut_out_data(module);
  llvm_level_t level = lowest_with(LLVM_LEVEL_INLINES);
  auto object = emit_object_from(context, *data, level);
  if (!object)
    return fail_compile(context, module.name, object.takeError());
  auto linked = compiler.linker.link(**object);
  if (!linked)
    return fail_compile(context, module.name, linked.takeError());
  ProgramMemory scope;
  for (const CodePool::Allocation &allocation : linked->allocations)
    if (allocation.protection & LLVM_PROTECTION_WRITE)
      compiler.data.push_back(allocation.range.start);
  return LLVM_OK;
}

llvm_error_t open_module(Compiler &compiler) {
  llvm_module &module = compiler.module;
  if (llvm_error_t error = prepare(module))
    return error;
  // Every unit's code refers to what is local by name.
  for (Function &function : *module.ir)
    if (!function.isDeclaration() && function.hasLocalLinkage())
      make_external(function);
  for (GlobalVariable &variable : module.ir->globals())
    if (!variable.isDeclaration() && variable.hasLocalLinkage())
      make_external(variable);
  compiler.units = find_units(*module.ir, compiler.types);
  number_copies(*module.ir, compiler.counters);
  module.data_placed = true;
  return LLVM_OK;
}

static std::vector<void *> find_all(Linker &linker, ArrayRef<LifetimeFunction> functions) {
  ProgramMemory scope;
  std::vector<void *> addresses;
  for (const LifetimeFunction &function : functions)
    addresses.push_back(reinterpret_cast<void *>(linker.find(function.name)));
  return addresses;
}

static llvm_error_t open_program(llvm_tiered &program) {
  Compiler &compiler = *program.compiler;
  llvm_module &module = compiler.module;
  if (llvm_error_t error = open_module(compiler))
    return error;
  if (llvm_error_t error = create_stubs(program))
    return error;
  if (Error error = create_copy_profiles(*module.context->pool, compiler.counters))
    return fail(*module.context, LLVM_ERROR_OUT_OF_MEMORY, std::move(error));
  if (llvm_error_t error = place_data(compiler))
    return error;
  program.constructors = find_all(compiler.linker, module.constructors);
  program.destructors = find_all(compiler.linker, module.destructors);
  if (Function *main = module.ir->getFunction("main")) {
    program.main = compiler.linker.find("main");
    program.main_returns = !main->getReturnType()->isVoidTy();
  }
  return LLVM_OK;
}

// What promotions leave free in the pool for code that the program cannot go on without: one part in 8.
constexpr unsigned spare_part = 8;

// The object that holds the code of units, and whether the program may keep addresses in that code.
struct MadeObject {
  std::unique_ptr<MemoryBuffer> bytes;
  bool has_known_addresses = false;
};

// Needs nothing that changes from compilation to compilation, but what the program counts.
static llvm_error_t make_object(llvm_tiered &program, ArrayRef<uint32_t> units,
                                llvm_level_t level, MadeObject &made,
                                llvm_compilation_t &took) {
  uint64_t start = arch::read_clock();
  Compiler &compiler = *program.compiler;
  llvm_context &context = *compiler.module.context;
  std::unique_ptr<Module> cut =
      cut_out(context, compiler.units, compiler.types, compiler.inlining_costs,
              compiler.counters, units, level);
  // A function that came along with the C library's code: the program may keep its address.
  made.has_known_addresses = any_of(*cut, [](const Function &function) {
    return function.hasLocalLinkage() && function.hasAddressTaken();
  });
  uint64_t is_cut = arch::read_clock();
  auto object = emit_object(context, *cut, level);
  if (!object)
    return fail_compile(context, compiler.units[units.front()].symbol, object.takeError());
  took.cut = is_cut - start;
  took.optimise = context.optimised_at - is_cut;
  took.generate = arch::read_clock() - context.optimised_at;
  made.bytes = std::move(*object);
  return LLVM_OK;
}

// Whether there is room; what the program could go on without leaves some.
static llvm_error_t check_room(llvm_tiered &program, bool is_needed) {
  Compiler &compiler = *program.compiler;
  CodePool &pool = *compiler.module.context->pool;
  pool.set_spare_bytes(is_needed ? 0 : pool.size_bytes() / spare_part);
  if (!is_needed && pool.is_full() && compiler.superseded.empty())
    return fail(*compiler.module.context, LLVM_ERROR_OUT_OF_MEMORY,
                "out of memory: the code pool is full");
  return LLVM_OK;
}

// Places the code of units, which nobody calls yet.
static llvm_error_t link_object(llvm_tiered &program, ArrayRef<uint32_t> units,
                                llvm_level_t level, MemoryBufferRef object,
                                bool has_known_addresses, Linked &linked,
                                llvm_compilation_t &took) {
  Compiler &compiler = *program.compiler;
  uint64_t start = arch::read_clock();
  std::vector<std::string> names;
  for (uint32_t unit : units)
    names.push_back(code_name(compiler.units[unit], level));
  auto made = compiler.linker.link(object, names);
  if (!made)
    return fail_compile(*compiler.module.context, compiler.units[units.front()].symbol,
                        made.takeError());
  // It outlives the compiler's memory.
  ProgramMemory scope;
  linked.entries.assign(made->entries.begin(), made->entries.end());
  linked.bytes = made->bytes;
  // Constants stay for the same reason.
  if (!has_known_addresses)
    copy_if(made->allocations, std::back_inserter(linked.allocations),
            [](const CodePool::Allocation &allocation) { return allocation.is_code(); });
  took.link = arch::read_clock() - start;
  return LLVM_OK;
}

static void supersede(Compiler &compiler, ArrayRef<uint32_t> units, CodePool::Allocations &&allocations) {
  ProgramMemory scope;
  std::shared_ptr<CodePool::Allocations> shared;
  if (!allocations.empty())
    shared = std::make_shared<CodePool::Allocations>(std::move(allocations));
  for (uint32_t unit : units) {
    std::shared_ptr<CodePool::Allocations> older = std::exchange(compiler.newest[unit], shared);
    if (older && older.use_count() == 1)
      compiler.superseded.push_back(std::move(*older));
  }
}

std::vector<void *> take_constructors(llvm_tiered &program) {
  return std::exchange(program.constructors_ran, true) ? std::vector<void *>()
                                                       : program.constructors;
}

llvm_error_t run_tiered_native(llvm_tiered &program, ArrayRef<void *> arguments, int &status,
                               std::string &text) {
  std::vector<void *> constructors = take_constructors(program);
  auto *main = reinterpret_cast<int (*)(void *, void *, void *)>(program.main);
  return run_to_end(Running::native_program, status, text, [&]() -> int {
    call_all(constructors);
    int result = main(arguments[0], arguments[1], arguments[2]);
    exit_program(program.main_returns ? result : 0);
  });
}

llvm_error_t run_compiled(llvm_tiered &program, ArrayRef<void *> arguments, int &status) {
  llvm_context &context = *program.compiler->module.context;
  take_checkpoint(context);
  seal_memory(Running::native_program);
  std::string text;
  llvm_error_t error = run_tiered_native(program, arguments, status, text);
  return error ? fail_program(context, error, text) : LLVM_OK;
}

// Nothing of LLVM is used, unless the program comes to what it has no code for.
static llvm_error_t run_restored(llvm_tiered &program, int argc, const char *const *argv,
                                 int &status) {
  return run_with_arguments(argc, argv, [&](ArrayRef<void *> arguments) {
    set_destructors(program.destructors);
    return run_tiered_native(program, arguments, status, program.message);
  });
}

} // namespace bareflow

llvm_error_t llvm_tiered_create(llvm_module_t *module, const llvm_tier_hooks_t *hooks,
                                llvm_tiered_t **result) {
  if (!module)
    return LLVM_ERROR_INVALID_ARGUMENT;
  llvm_context *context = module->context;
  llvm_error_t error = enter(context, [&]() -> llvm_error_t {
    if (!hooks || hooks->size < sizeof *hooks || !hooks->hot || !hooks->wanted || !result)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT, "llvm_tiered_create: invalid argument");
    *result = nullptr;
    if (module->prepared || running)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT,
                  "llvm_tiered_create: the module is compiled already, or another program is open");
    std::unique_ptr<llvm_tiered> program;
    {
      ProgramMemory scope;
      program = std::make_unique<llvm_tiered>();
      program->compiler = std::make_unique<Compiler>(*module);
    }
    program->hooks = *hooks;
    if (llvm_error_t error = open_program(*program))
      return error;
    *result = running = program.release();
    context->pool->set_reclaim(reclaim_code, running);
    return LLVM_OK;
  });
  // Nothing will run: only compilations follow.
  if (error == LLVM_OK && context->options.find_elsewhere)
    take_checkpoint(*context);
  return error;
}

void llvm_tiered_destroy(llvm_tiered_t *program) {
  if (!program)
    return;
  running = nullptr;
  if (program->compiler)
    program->compiler->module.context->pool->set_reclaim(nullptr, nullptr);
  delete program;
}

uint32_t llvm_tiered_unit_count(const llvm_tiered_t *program) { return program->unit_count; }

llvm_error_t llvm_tiered_unit(const llvm_tiered_t *program, uint32_t index,
                              llvm_unit_info_t *info) {
  if (!program || !info || !program->compiler || index >= program->unit_count)
    return LLVM_ERROR_INVALID_ARGUMENT;
  const std::vector<Unit> &units = program->compiler->units;
  uint32_t function = units[index].owner().index;
  const Function &code = *units[index].function;
  bool jumps = has_numbered_labels(code);
  *info = {units[index].symbol.c_str(), function, program->counters + index, jumps,
           jumps ? frame_at_o0(code) : 0};
  return LLVM_OK;
}

llvm_error_t llvm_tiered_measure(llvm_tiered_t *program, uint32_t unit, llvm_unit_size_t *size) {
  if (!program || !program->compiler || unit >= program->unit_count || !size)
    return LLVM_ERROR_INVALID_ARGUMENT;
  Compiler &compiler = *program->compiler;
  return enter(compiler.module.context, [&] {
    *size = compiler.sizes.of(compiler.units, unit);
    return LLVM_OK;
  });
}

llvm_error_t llvm_tiered_profile(const llvm_tiered_t *program, uint32_t unit,
                                 llvm_profile_t *profile) {
  if (!program || unit >= program->unit_count || !profile)
    return LLVM_ERROR_INVALID_ARGUMENT;
  *profile = program->profiles.of(unit);
  return LLVM_OK;
}

void llvm_tiered_recall(llvm_tiered_t *program, uint32_t unit, const uint64_t *words,
                        size_t count) {
  ProgramMemory scope;
  if (program && unit < program->unit_count)
    program->profiles.recall(unit, {words, count});
}

static bool is_compilable(const llvm_tiered_t *program, uint32_t unit, llvm_level_t level) {
  return program && program->compiler && unit < program->unit_count &&
         is_level(level);
}

// Makes calls go to what `make` has linked. What it took is divided by the units' instructions.
static llvm_error_t promote(llvm_tiered &program, ArrayRef<uint32_t> units, llvm_level_t level,
                            llvm_compilation_t *compilations,
                            function_ref<llvm_error_t(Linked &, llvm_compilation_t &)> make) {
  Compiler &compiler = *program.compiler;
  uint64_t start = arch::read_clock();
  Linked linked;
  llvm_compilation_t took{};
  program.error = enter(compiler.module.context, [&]() -> llvm_error_t {
    if (llvm_error_t error = check_room(program, program.is_wanted && units.size() == 1))
      return error;
    return make(linked, took);
  });
  if (program.error) {
    ProgramMemory scope;
    program.message = compiler.module.context->error;
    return program.error;
  }
  // Nothing can fail any more. One store, on one processor: whoever calls next gets the new code.
  for (auto [unit, entry] : zip(units, linked.entries)) {
    __atomic_store_n(&program.slots[unit], reinterpret_cast<void *>(entry.address), __ATOMIC_RELEASE);
    program.code[unit] = entry.address;
    program.tiers[unit] = tier_of(level);
  }
  supersede(compiler, units, std::move(linked.allocations));
  took.cycles = arch::read_clock() - start;
  uint64_t all = 0;
  for (auto [index, unit] : enumerate(units)) {
    compilations[index].instructions = compiler.units[unit].instructions;
    all += compilations[index].instructions;
  }
  size_t others = 0;
  for (size_t index = units.size(); index-- > 0;) {
    llvm_compilation_t &part = compilations[index];
    auto part_of = [&](uint64_t whole) { return whole / all * part.instructions; };
    part = {part_of(took.cycles),   part_of(took.cut),  part_of(took.optimise),
            part_of(took.generate), part_of(took.link), linked.entries[index].bytes,
            part.instructions};
    // Constants are the first one's.
    if (index == 0)
      part.bytes = linked.bytes - others;
    others += part.bytes;
  }
  return LLVM_OK;
}

llvm_error_t llvm_tiered_compile(llvm_tiered_t *program, const uint32_t *units, size_t count,
                                 llvm_level_t level, llvm_compilation_t *compilations) {
  ArrayRef<uint32_t> wanted(units, count);
  auto is_unit = [&](uint32_t unit) { return is_compilable(program, unit, level); };
  if (wanted.empty() || !all_of(wanted, is_unit) || !compilations ||
      (wanted.size() > 1 && levels[level].can(LLVM_LEVEL_OPTIMISES)))
    return LLVM_ERROR_INVALID_ARGUMENT;
  auto make = [&](Linked &linked, llvm_compilation_t &took) -> llvm_error_t {
    MadeObject object;
    if (llvm_error_t error = make_object(*program, wanted, level, object, took))
      return error;
    return link_object(*program, wanted, level, *object.bytes, object.has_known_addresses,
                       linked, took);
  };
  return promote(*program, wanted, level, compilations, make);
}

size_t llvm_tiered_successors(llvm_tiered_t *program, uint32_t unit, llvm_successor_t *successors,
                              size_t capacity) {
  if (!is_compilable(program, unit, /*level=*/0) || !successors)
    return 0;
  size_t count = 0;
  enter(program->compiler->module.context, [&] {
    for (const llvm_successor_t &found :
         find_successors(*program, program->compiler->units[unit], capacity))
      successors[count++] = found;
    return LLVM_OK;
  });
  return count;
}

void llvm_tiered_share(llvm_tiered_t *program, llvm_profile_t *table) {
  if (!program || !program->compiler || !table)
    return;
  ProgramMemory scope;
  program->profiles.share(*program->compiler->module.context->pool, table);
}

llvm_error_t llvm_tiered_make_object(llvm_tiered_t *program, uint32_t unit, llvm_level_t level,
                                     void (*take)(void *user, const llvm_object_t *object),
                                     void *user) {
  if (!is_compilable(program, unit, level) || !take)
    return LLVM_ERROR_INVALID_ARGUMENT;
  Compiler &compiler = *program->compiler;
  program->profiles.only_read();
  return enter(compiler.module.context, [&]() -> llvm_error_t {
    MadeObject object;
    llvm_compilation_t took;
    if (llvm_error_t error = make_object(*program, unit, level, object, took))
      return error;
    // Whoever ends a compilation that takes too long must not do so in there.
    ProgramMemory scope;
    llvm_object_t made{object.bytes->getBufferStart(), object.bytes->getBufferSize(),
                       object.has_known_addresses};
    take(user, &made);
    return LLVM_OK;
  });
}

llvm_error_t llvm_tiered_link_object(llvm_tiered_t *program, uint32_t unit, llvm_level_t level,
                                     const llvm_object_t *object,
                                     llvm_compilation_t *compilation) {
  if (!is_compilable(program, unit, level) || !object || !compilation)
    return LLVM_ERROR_INVALID_ARGUMENT;
  return promote(*program, unit, level, compilation, [&](Linked &linked, llvm_compilation_t &took) {
    // Inlined functions of the C library refer to its variables.
    if (levels[level].can(LLVM_LEVEL_INLINES))
      open_library(*program->compiler->module.context);
    StringRef bytes(static_cast<const char *>(object->bytes), object->size);
    StringRef name = program->compiler->units[unit].symbol;
    return link_object(*program, unit, level, MemoryBufferRef(bytes, name), object->keeps_code,
                       linked, took);
  });
}

void llvm_isolate(void (*body)(void *user), void *user) {
  Recovery recovery;
  run_recoverably(recovery, Running::compiler, [&] {
    select_memory(Memory::program);
    body(user);
    return 0;
  });
}

int llvm_tiered_is_intact(const llvm_tiered_t *program) {
  ProgramMemory scope;
  if (std::string text; is_memory_changed(text))
    return 0;
  for (uint32_t unit = 0; unit < program->unit_count; ++unit)
    if (reinterpret_cast<uintptr_t>(program->slots[unit]) != program->code[unit])
      return 0;
  if (!program->compiler)
    return 1;
  Compiler &compiler = *program->compiler;
  for (auto &word : compiler.linker.all_imports().all_words())
    if (*reinterpret_cast<void **>(word.second) !=
        resolve_symbol(*compiler.module.context, word.first()))
      return 0;
  return 1;
}

void llvm_tiered_cannot_compile(llvm_tiered_t *program, llvm_error_t error, const char *message) {
  ProgramMemory scope;
  program->error = error;
  program->message = message;
}

const char *llvm_tiered_message(const llvm_tiered_t *program) { return program->message.c_str(); }

llvm_error_t llvm_tiered_run_main(llvm_tiered_t *program, int interpret, int argc,
                                  const char *const *argv, int *status) {
  if (!program || !status || argc < 0 || (argc > 0 && !argv))
    return LLVM_ERROR_INVALID_ARGUMENT;
  if (!program->compiler)
    return run_restored(*program, argc, argv, *status);
  return run_main_with(
      program->compiler->module, argc, argv, status, [&](ArrayRef<void *> arguments) {
        set_destructors(program->destructors);
        return interpret ? run_tiered_interpreter(*program, arguments, *status)
                         : run_compiled(*program, arguments, *status);
      });
}
