// The C interface of programs in tiers.
#include "tiered.h"

#include "../interpreter/interpret.h"

using namespace llvm;
using namespace bareflow;

namespace bareflow {

static llvm_error_t fail_compile(llvm_context &context, const Twine &what, Error error) {
  std::string text = toString(std::move(error));
  if (StringRef(text).contains("out of memory"))
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, text);
  bool missing = StringRef(text).contains("Symbols not found");
  return fail(context, missing ? LLVM_ERROR_UNRESOLVED_SYMBOLS : LLVM_ERROR_INTERNAL,
              what + ": " + text);
}

static llvm_error_t place_data(llvm_tiered &program) {
  llvm_module &module = program.module;
  llvm_context &context = *module.context;
  auto object = emit_object(context, *cut_out_data(module), LLVM_OPT_O2);
  if (!object)
    return fail_compile(context, module.name, object.takeError());
  auto linked = program.linker.link(**object);
  if (!linked)
    return fail_compile(context, module.name, linked.takeError());
  module.data_placed = true;
  return LLVM_OK;
}

static llvm_error_t open_program(llvm_tiered &program) {
  llvm_module &module = program.module;
  if (llvm_error_t error = prepare(module))
    return error;
  // Every unit's code refers to what is local by name.
  for (Function &function : *module.ir)
    if (!function.isDeclaration() && function.hasLocalLinkage())
      make_external(function);
  for (GlobalVariable &variable : module.ir->globals())
    if (!variable.isDeclaration() && variable.hasLocalLinkage())
      make_external(variable);
  promote_variables(*module.ir);
  program.units = find_units(*module.ir);
  if (llvm_error_t error = create_stubs(program))
    return error;
  if (Error error = create_copy_profiles(*module.ir, *module.context->pool, program.counters))
    return fail(*module.context, LLVM_ERROR_OUT_OF_MEMORY, std::move(error));
  return place_data(program);
}

// What promotions leave free in the pool for code that the program cannot go on without: one part in 8.
constexpr unsigned spare_part = 8;

// Makes the unit's code, which nobody calls yet.
static llvm_error_t compile_unit(llvm_tiered &program, const Unit &unit, llvm_opt_level_t level,
                                 Linked &linked) {
  llvm_context &context = *program.module.context;
  CodePool &pool = *context.pool;
  pool.set_spare_bytes(program.is_wanted ? 0 : pool.size_bytes() / spare_part);
  // Compiling would be in vain.
  if (!program.is_wanted && pool.is_full() && program.superseded.empty())
    return fail(context, LLVM_ERROR_OUT_OF_MEMORY, "out of memory: the code pool is full");
  std::unique_ptr<Module> cut = cut_out(context, program.units, program.counters, unit, level);
  // A function that came along with the C library's code: the program may keep its address.
  bool has_known_addresses = any_of(*cut, [](const Function &function) {
    return function.hasLocalLinkage() && function.hasAddressTaken();
  });
  auto object = emit_object(context, *cut, level);
  if (!object)
    return fail_compile(context, unit.symbol, object.takeError());
  auto made = program.linker.link(**object, unit.symbol + ".O" + std::to_string(level));
  if (!made)
    return fail_compile(context, unit.symbol, made.takeError());
  // It outlives the compiler's memory.
  ProgramMemory scope;
  linked.entry = made->entry;
  linked.bytes = made->bytes;
  // Constants stay for the same reason.
  if (!has_known_addresses)
    copy_if(made->pieces, std::back_inserter(linked.pieces),
            [](const CodePool::Piece &piece) { return piece.is_code(); });
  return LLVM_OK;
}

static void supersede(llvm_tiered &program, uint32_t unit, CodePool::Pieces &&pieces) {
  ProgramMemory scope;
  CodePool::Pieces older = std::exchange(program.newest[unit], std::move(pieces));
  if (!older.empty())
    program.superseded.push_back(std::move(older));
}

static std::vector<void *> find_all(const Linker &linker, ArrayRef<LifetimeFunction> functions) {
  std::vector<void *> addresses;
  for (const LifetimeFunction &function : functions)
    addresses.push_back(reinterpret_cast<void *>(linker.find(function.name)));
  return addresses;
}

std::vector<void *> take_constructors(llvm_tiered &program) {
  if (std::exchange(program.module.constructors_ran, true))
    return {};
  return find_all(program.linker, program.module.constructors);
}

llvm_error_t run_tiered_native(llvm_tiered &program, ArrayRef<void *> arguments, int &status) {
  llvm_module &module = program.module;
  std::vector<void *> constructors = take_constructors(program);
  auto *main = reinterpret_cast<int (*)(void *, void *, void *)>(program.linker.find("main"));
  bool returns = !module.ir->getFunction("main")->getReturnType()->isVoidTy();
  take_checkpoint(*module.context);
  return run_program(*module.context, Running::native_program, status, [&]() -> int {
    call_all(constructors);
    int result = main(arguments[0], arguments[1], arguments[2]);
    exit_program(returns ? result : 0);
  });
}

} // namespace bareflow

llvm_error_t llvm_tiered_create(llvm_module_t *module, const llvm_tier_hooks_t *hooks,
                                llvm_tiered_t **result) {
  if (!module)
    return LLVM_ERROR_INVALID_ARGUMENT;
  llvm_context *context = module->context;
  return enter(context, [&]() -> llvm_error_t {
    if (!hooks || hooks->size < sizeof *hooks || !hooks->hot || !hooks->wanted || !result)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT, "llvm_tiered_create: invalid argument");
    *result = nullptr;
    if (module->prepared || running)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT,
                  "llvm_tiered_create: the module is compiled already, or another program is open");
    std::unique_ptr<llvm_tiered> program;
    {
      ProgramMemory scope;
      program = std::make_unique<llvm_tiered>(*module);
    }
    program->hooks = *hooks;
    if (llvm_error_t error = open_program(*program))
      return error;
    *result = running = program.release();
    context->pool->set_reclaim(reclaim_code, running);
    return LLVM_OK;
  });
}

void llvm_tiered_destroy(llvm_tiered_t *program) {
  if (!program)
    return;
  running = nullptr;
  program->module.context->pool->set_reclaim(nullptr, nullptr);
  delete program;
}

uint32_t llvm_tiered_unit_count(const llvm_tiered_t *program) { return program->units.size(); }

llvm_error_t llvm_tiered_unit(const llvm_tiered_t *program, uint32_t index,
                              llvm_unit_info_t *info) {
  if (!program || !info || index >= program->units.size())
    return LLVM_ERROR_INVALID_ARGUMENT;
  uint32_t function = index;
  while (program->units[function].is_loop())
    --function;
  *info = {program->units[index].symbol.c_str(), function, program->counters.units + index};
  return LLVM_OK;
}

llvm_error_t llvm_tiered_compile(llvm_tiered_t *program, uint32_t unit, llvm_opt_level_t level,
                                 llvm_compilation_t *compilation) {
  if (!program || unit >= program->units.size() || !compilation ||
      static_cast<unsigned>(level) >= level_count)
    return LLVM_ERROR_INVALID_ARGUMENT;
  uint64_t start = __builtin_ia32_rdtsc();
  Linked linked;
  llvm_error_t error = enter(program->module.context, [&] {
    return compile_unit(*program, program->units[unit], level, linked);
  });
  program->is_out_of_memory = error == LLVM_ERROR_OUT_OF_MEMORY;
  if (error)
    return error;
  // Nothing can fail any more. One store, on one processor: whoever calls next gets the new code.
  __atomic_store_n(&program->slots[unit], reinterpret_cast<void *>(linked.entry),
                   __ATOMIC_RELEASE);
  supersede(*program, unit, std::move(linked.pieces));
  program->tiers[unit] = static_cast<llvm_tier_t>(LLVM_TIER_O0 + level);
  *compilation = {__builtin_ia32_rdtsc() - start, linked.bytes};
  return LLVM_OK;
}

llvm_error_t llvm_tiered_run_main(llvm_tiered_t *program, int interpret, int argc,
                                  const char *const *argv, int *status) {
  if (!program)
    return LLVM_ERROR_INVALID_ARGUMENT;
  return run_main_with(program->module, argc, argv, status, [&](ArrayRef<void *> arguments) {
    set_destructors(find_all(program->linker, program->module.destructors));
    return interpret ? run_tiered_interpreter(*program, arguments, *status)
                     : run_tiered_native(*program, arguments, *status);
  });
}
