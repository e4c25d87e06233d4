// The way out of code that cannot return: fatal errors of LLVM, exit(), abort() and faults.
//
// Every entry of the library, and every run of a program in it, sets a recovery point; whoever must
// end the code that runs jumps to the innermost one. What the abandoned frames owned is leaked, which
// is why a context whose compiler was left this way is poisoned.
#pragma once

#include "../include/llvm_baremetal.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <setjmp.h>

#include <string>

namespace bareflow {

enum class Running { compiler, native_program, interpreted_program };

// How the code inside a recovery point ended.
enum class Ending { returned, exited, aborted, faulted, out_of_memory, failed };

// Whose memory malloc takes from, where the options tell the compiler's from the program's.
enum class Memory { program, compiler };
void use_options(const llvm_options_t *options);
Memory select_memory(Memory memory);

struct Recovery {
  jmp_buf point;
  Recovery *outer;
  Running running;
  // What was selected before.
  Memory memory;
  Ending ending;
  int status;
  char message[1024];
};

extern Recovery *innermost;

// Runs `body` inside a recovery point; afterwards `recovery` says how it ended.
void run_recoverably(Recovery &recovery, Running running, llvm::function_ref<int()> body);

// Ends the code inside the innermost recovery point.
[[noreturn]] void leave(Ending ending, int status, const char *message);

// As above, for a program that did something wrong in interpreted code: the message says where.
[[noreturn]] void leave_interpreted(const char *what);

// Catches LLVM's own fatal errors.
void install_handlers();

// What outlives a failed compilation must not be in the compiler's memory.
class ProgramMemory {
public:
  ProgramMemory() : previous(select_memory(Memory::program)) {}
  ~ProgramMemory() { select_memory(previous); }

private:
  Memory previous;
};

void take_checkpoint(llvm_context &context);

// While the program runs, nothing of LLVM changes but by what the program must not do.
void seal_memory(Running program);
void unseal_memory();
// Sets the error text and returns true if something has been changed since. After that, LLVM is not used any more.
bool is_memory_changed(std::string &text);
// While the program waits, it changes nothing: LLVM's memory is looked at once, before LLVM works for it again, and sealed
// at the end, however often LLVM works meanwhile.
class Pause {
public:
  Pause();
  ~Pause();
};
// Ends the program that runs if that has been found.
void leave_if_memory_changed();

// An entry of the C interface: nothing escapes from `body`.
llvm_error_t enter(llvm_context *context, llvm::function_ref<llvm_error_t()> body);

} // namespace bareflow
