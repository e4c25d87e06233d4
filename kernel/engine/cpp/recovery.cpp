#include "recovery.h"
#include "code_pool.h"
#include "interpreter/interpret.h"
#include "program.h"
#include "session.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/ErrorHandling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace llvm;

namespace bareflow {

Recovery *innermost = nullptr;

static const llvm_options_t *memory_options = nullptr;

void use_options(const llvm_options_t *options) { memory_options = options; }

Memory select_memory(Memory memory) {
  if (!memory_options || !memory_options->select_memory)
    return Memory::program;
  int selected = memory_options->select_memory(memory_options->user, memory == Memory::compiler);
  return selected ? Memory::compiler : Memory::program;
}

void run_recoverably(Recovery &recovery, Running running, function_ref<int()> body) {
  recovery.outer = innermost;
  recovery.running = running;
  recovery.ending = Ending::returned;
  recovery.status = 0;
  recovery.message[0] = 0;
  innermost = &recovery;
  recovery.memory = select_memory(running == Running::compiler ? Memory::compiler : Memory::program);
  if (setjmp(recovery.point) == 0)
    recovery.status = body();
  innermost = recovery.outer;
  select_memory(recovery.memory);
}

void leave(Ending ending, int status, const char *message) {
  Recovery &recovery = *innermost;
  recovery.ending = ending;
  recovery.status = status;
  if (message != recovery.message) {
    size_t length = strnlen(message, sizeof recovery.message - 1);
    memcpy(recovery.message, message, length);
    recovery.message[length] = 0;
  }
  longjmp(recovery.point, 1);
  __builtin_unreachable();
}

void leave_interpreted(const char *what) {
  char where[256], message[sizeof innermost->message];
  describe_interpreted(0, where, sizeof where);
  snprintf(message, sizeof message, "%s %s", what, where);
  leave(Ending::faulted, 0, message);
}

static void handle_fatal_error(void *, const char *reason, bool) {
  if (!innermost)
    return;
  // The interpreter reports what the program did wrong as if it were its own failure.
  if (innermost->running == Running::interpreted_program)
    leave_interpreted(reason);
  leave(Ending::failed, 0, reason);
}

static void handle_bad_alloc(void *, const char *, bool) {
  if (innermost)
    leave(Ending::out_of_memory, 0, "");
}

void install_handlers() {
  remove_fatal_error_handler();
  install_fatal_error_handler(handle_fatal_error);
  remove_bad_alloc_error_handler();
  install_bad_alloc_error_handler(handle_bad_alloc);
  install_out_of_memory_new_handler();
}

static bool is_sealed = false;
// Whether the program waits, and whether LLVM has worked since.
static bool is_paused = false, is_awake = false;
// What the program has changed.
static const char *changed = nullptr;

void seal_memory(Running program) {
  if (!memory_options || !memory_options->seal || changed)
    return;
  memory_options->seal(memory_options->user, program == Running::interpreted_program
                                                 ? LLVM_SEALED_VARIABLES
                                                 : LLVM_SEALED_ALL);
  is_sealed = true;
}

// A program that ends while it waits does not come back to the end of the pause.
void unseal_memory() { is_sealed = is_paused = is_awake = false; }

Pause::Pause() { is_paused = true; }

Pause::~Pause() {
  is_paused = false;
  if (std::exchange(is_awake, false))
    seal_memory(innermost->running);
}

bool is_memory_changed(std::string &text) {
  if (is_sealed && !is_awake && !changed)
    memory_options->is_changed(memory_options->user, &changed);
  if (!changed)
    return false;
  text = std::string("the program has overwritten ") + changed;
  return true;
}

void leave_if_memory_changed() {
  if (!changed)
    return;
  std::string text;
  is_memory_changed(text);
  char message[sizeof innermost->message];
  snprintf(message, sizeof message, "%s", text.c_str());
  text.clear();
  text.shrink_to_fit();
  leave(Ending::faulted, 0, message);
}

// From here on a failed compilation leaves no trace.
void take_checkpoint(llvm_context &context) {
  const llvm_options_t &options = context.options;
  context.has_checkpoint = options.checkpoint && options.roll_back;
  // What is remembered must say so too.
  if (context.has_checkpoint && options.checkpoint(options.user) != 0)
    context.has_checkpoint = false;
}

llvm_error_t enter(llvm_context *context, function_ref<llvm_error_t()> body) {
  if (!context)
    return LLVM_ERROR_INVALID_ARGUMENT;
  if (context->poisoned)
    return LLVM_ERROR_POISONED;
  bool in_program = innermost && innermost->running != Running::compiler;
  if (std::string text; in_program && is_memory_changed(text)) {
    context->poisoned = true;
    return fail(*context, LLVM_ERROR_PROGRAM_FAULT, text);
  }
  if (in_program && is_paused)
    is_awake = true;
  auto seal = make_scope_exit([&] {
    if (in_program && !is_paused)
      seal_memory(innermost->running);
  });
  Recovery recovery;
  run_recoverably(recovery, Running::compiler, [&] { return static_cast<int>(body()); });
  if (recovery.ending == Ending::returned) {
    if (recovery.status == LLVM_OK)
      context->pool->keep_all();
    else
      context->pool->give_up();
    return static_cast<llvm_error_t>(recovery.status);
  }
  if (context->has_checkpoint) {
    context->options.roll_back(context->options.user);
    context->pool->give_up();
  } else {
    context->poisoned = true;
  }
  if (recovery.ending == Ending::out_of_memory)
    return fail(*context, LLVM_ERROR_OUT_OF_MEMORY, "out of memory while compiling the program");
  return fail(*context, LLVM_ERROR_INTERNAL, Twine("LLVM failed: ") + recovery.message);
}

} // namespace bareflow

using namespace bareflow;

// Not in the optimiser's reach: the frames must be there.
__attribute__((noinline)) static int recurse(volatile char *outer, unsigned depth) {
  volatile char frame[4096];
  frame[0] = *outer;
  return depth == 0 ? 0 : recurse(frame, depth - 1) + frame[0];
}

void llvm_inject(llvm_injection_t injection) {
  volatile char start = 0;
  switch (injection) {
  case LLVM_INJECT_FATAL_ERROR:
    report_fatal_error("injected fatal error", false);
  case LLVM_INJECT_ABORT:
    abort();
  case LLVM_INJECT_OUT_OF_MEMORY:
    report_bad_alloc_error("injected exhaustion", false);
  case LLVM_INJECT_STACK_OVERFLOW:
    recurse(&start, UINT32_MAX);
    break;
  case LLVM_INJECT_PAGE_FAULT:
    *reinterpret_cast<volatile char *>(uintptr_t(64)) = 1;
    break;
  case LLVM_INJECT_ENDLESS_LOOP:
    while (!start) {
    }
  }
}

void llvm_handle_fault(const llvm_fault_t *fault) {
  if (!innermost)
    return;
  char where[256], message[sizeof innermost->message];
  if (innermost->running == Running::interpreted_program && !is_compiled(fault->instruction))
    describe_interpreted(fault->stack, where, sizeof where);
  else
    llvm_describe_address(fault->instruction, where, sizeof where);
  snprintf(message, sizeof message, "%s%s%s", fault->what, where[0] ? " " : "", where);
  bool program = innermost->running != Running::compiler;
  leave(program ? Ending::faulted : Ending::failed, 0, message);
}

static void check_that_program_runs() {
  if (innermost->running == Running::compiler)
    leave(Ending::failed, 0, "exit() was called");
}

void llvm_handle_exit(int status) {
  if (!innermost)
    return;
  check_that_program_runs();
  exit_program(status);
}

void llvm_handle_immediate_exit(int status) {
  if (!innermost)
    return;
  check_that_program_runs();
  leave(Ending::exited, status, "");
}

void llvm_handle_abort(const char *reason) {
  if (!innermost)
    return;
  if (innermost->running == Running::compiler)
    leave(Ending::failed, 0, "abort() was called");
  leave(Ending::aborted, 0, reason);
}
