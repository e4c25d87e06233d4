// Opening and closing a session, its errors, and the symbols that programs find.
#include "session.h"

#include "code_pool.h"
#include "codegen/generator.h"
#include "program.h"
#include "recovery.h"
#include "tiered/tiered.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/Support/raw_ostream.h"

#include <stdio.h>
#include <string.h>

using namespace llvm;
using namespace bareflow;

// What is said of a context that could not be opened.
static std::string init_error;
// Addresses are described without a context at hand.
static llvm_context *open_context = nullptr;

namespace bareflow {

std::string one_line(StringRef text) {
  SmallVector<StringRef, 8> lines;
  text.trim().split(lines, '\n', -1, false);
  std::string joined;
  for (StringRef line : lines) {
    if (!joined.empty())
      joined += "; ";
    joined += line.trim();
  }
  return joined;
}

llvm_error_t fail(llvm_context &context, llvm_error_t code, const Twine &message) {
  context.error = one_line(message.str());
  return code;
}

llvm_error_t fail(llvm_context &context, llvm_error_t code, Error error) {
  if (error.isA<PoolExhausted>())
    code = LLVM_ERROR_OUT_OF_MEMORY;
  else if (error.isA<Refusal>())
    code = LLVM_ERROR_REFUSED;
  return fail(context, code, toString(std::move(error)));
}

void note(llvm_context &context, const Twine &text) {
  if (context.options.message)
    context.options.message(context.options.user, one_line(text.str()).c_str());
}

std::string take_diagnostic(llvm_context &context) {
  return std::exchange(context.diagnostic, {});
}

void *resolve_symbol(llvm_context &context, StringRef name) {
  if (void *address = find_program_function(name))
    return address;
  if (void *address = find_large_variable(name))
    return address;
  return context.options.resolve(context.options.user, name.str().c_str());
}

uintptr_t address_for_code(const llvm_context &context, StringRef name, uintptr_t own) {
  // What the program itself has there has been given its place by this library.
  if (!context.options.find_elsewhere || find_large_variable(name))
    return own;
  return context.options.find_elsewhere(context.options.user, name.str().c_str());
}

bool is_compiled(uintptr_t instruction) {
  return find_restored_symbol(instruction) ||
         (open_context && open_context->pool->contains(instruction));
}

static void handle_diagnostic(const DiagnosticInfo &info, void *user) {
  auto &context = *static_cast<llvm_context *>(user);
  if (info.getSeverity() != DS_Error && info.getSeverity() != DS_Warning)
    return;
  std::string text;
  raw_string_ostream stream(text);
  DiagnosticPrinterRawOStream printer(stream);
  info.print(printer);
  if (info.getSeverity() == DS_Warning)
    note(context, Twine("warning: ") + text);
  else if (context.diagnostic.empty())
    context.diagnostic = one_line(text);
}

static const char *check_options(const llvm_options_t &options) {
  size_t page = options.page_size;
  if (!options.protect || !options.resolve)
    return "llvm_init: the callbacks protect and resolve are required";
  if (page & (page - 1))
    return "llvm_init: page_size is not a power of two";
  if (options.pool_size == 0 || (options.pool_address | options.pool_size) & (page - 1))
    return "llvm_init: the code pool is empty or not page-aligned";
  if (options.pool_address > (uintptr_t(1) << 31) - options.pool_size)
    return "llvm_init: the code pool does not lie below 2 GiB";
  return nullptr;
}

} // namespace bareflow

llvm_context::llvm_context() = default;
llvm_context::~llvm_context() = default;

const char *llvm_version(void) { return LLVM_VERSION_STRING; }

llvm_error_t llvm_init(const llvm_options_t *options, llvm_context_t **result) {
  if (result)
    *result = nullptr;
  if (!options || !result || options->size < sizeof(llvm_options_t)) {
    init_error = "llvm_init: missing or too small options";
    return LLVM_ERROR_INVALID_ARGUMENT;
  }
  if (open_context) {
    init_error = "llvm_init: a context is already open";
    return LLVM_ERROR_INVALID_ARGUMENT;
  }
  llvm_options_t filled = *options;
  if (filled.page_size == 0)
    filled.page_size = 4096;
  if (filled.interpreter_stack_size == 0)
    filled.interpreter_stack_size = size_t(8) << 20;
  if (const char *text = check_options(filled)) {
    init_error = text;
    return LLVM_ERROR_INVALID_ARGUMENT;
  }

  install_handlers();
  static llvm_options_t memory_options;
  memory_options = filled;
  use_options(&memory_options);
  Recovery recovery;
  llvm_context *context = nullptr;
  llvm_context **slot = &context;
  run_recoverably(recovery, Running::compiler, [&]() -> int {
    *slot = new llvm_context;
    llvm_context &opened = **slot;
    opened.options = filled;
    opened.ir.setDiagnosticHandlerCallBack(handle_diagnostic, &opened);
    if (llvm_error_t error = create_generators(opened))
      return error;
    describe_library(opened);
    create_pool(opened);
    return LLVM_OK;
  });
  if (recovery.ending == Ending::returned && recovery.status == LLVM_OK) {
    open_context = *result = *slot;
    return LLVM_OK;
  }
  if (recovery.ending == Ending::returned) {
    init_error = (*slot)->error;
    delete *slot;
    return static_cast<llvm_error_t>(recovery.status);
  }
  init_error = recovery.message;
  return recovery.ending == Ending::out_of_memory ? LLVM_ERROR_OUT_OF_MEMORY
                                                  : LLVM_ERROR_INTERNAL;
}

uint32_t llvm_level_count(void) { return level_count; }

llvm_error_t llvm_level(llvm_level_t level, llvm_level_info_t *info) {
  if (!is_level(level) || !info)
    return LLVM_ERROR_INVALID_ARGUMENT;
  const Level &row = levels[level];
  *info = {row.name, row.generator, row.optimisation, row.capabilities};
  return LLVM_OK;
}

llvm_level_t llvm_find_level(const char *name) {
  llvm_level_t level = 0;
  while (is_level(level) && strcmp(levels[level].name, name) != 0)
    ++level;
  return level;
}

void llvm_shutdown(llvm_context_t *context) {
  if (!context)
    return;
  open_context = nullptr;
  // Half-built objects of a poisoned context cannot be taken apart: they are leaked.
  if (context->poisoned)
    return;
  Recovery recovery;
  run_recoverably(recovery, Running::compiler, [&] {
    while (!context->modules.empty())
      llvm_module_destroy(context->modules.back().get());
    delete context;
    return 0;
  });
}

const char *llvm_last_error(const llvm_context_t *context) {
  return context ? context->error.c_str() : init_error.c_str();
}

int llvm_function_at(const llvm_context_t *context, uintptr_t address, char *name,
                     size_t name_size) {
  auto *symbol = context->pool->find_symbol(address);
  if (!symbol)
    return 0;
  snprintf(name, name_size, "%s", symbol->second.name.c_str());
  return 1;
}

size_t llvm_pool_bytes(const llvm_context_t *context) { return context->pool->used_bytes(); }

const char *llvm_processor_name(const llvm_context_t *context) {
  return context->processor.c_str();
}

llvm_origin_t llvm_describe_address(uintptr_t instruction, char *text, size_t text_size) {
  if (text_size)
    text[0] = 0;
  if (!innermost)
    return LLVM_ORIGIN_NONE;
  if (const llvm_code_symbol_t *symbol = find_restored_symbol(instruction)) {
    snprintf(text, text_size, "in function '%s' (+0x%zx)", symbol->name,
             size_t(instruction - symbol->address));
  } else if (open_context && open_context->pool->contains(instruction)) {
    if (auto *symbol = open_context->pool->find_symbol(instruction))
      snprintf(text, text_size, "in function '%s' (+0x%zx)", symbol->second.name.c_str(),
               size_t(instruction - symbol->first));
    else
      snprintf(text, text_size, "in compiled code at 0x%zx", size_t(instruction));
  } else if (innermost->running == Running::interpreted_program) {
    snprintf(text, text_size, "in interpreted code");
  } else if (innermost->running == Running::native_program) {
    snprintf(text, text_size, "outside the compiled program, at 0x%zx", size_t(instruction));
  }
  return innermost->running == Running::compiler ? LLVM_ORIGIN_COMPILER : LLVM_ORIGIN_PROGRAM;
}
