// A program's run: its start, its ends, and the functions of the C library that belong to the run
// rather than to the library.
#pragma once

#include "recovery.h"
#include "session.h"

#include "llvm/ADT/ArrayRef.h"

namespace bareflow {

// prepare.cpp: a variable of the program that lies outside the code pool, or null.
void *find_large_variable(llvm::StringRef name);

// exit, abort, atexit and the like, or null.
void *find_program_function(llvm::StringRef name);

llvm_error_t find_lifetime_functions(llvm_module &module,
                                     llvm::ArrayRef<LifetimeFunction> functions,
                                     std::vector<void *> &addresses);
void call_all(llvm::ArrayRef<void *> functions);

// Runs `body` as the program and turns its end into a status or an error, with a text.
llvm_error_t run_to_end(Running running, int &status, std::string &text,
                        llvm::function_ref<int()> body);
llvm_error_t run_program(llvm_context &context, Running running, int &status,
                         llvm::function_ref<int()> body);
// The context's error of a program that has ended with one.
llvm_error_t fail_program(llvm_context &context, llvm_error_t error, const std::string &text);

// The highest address of the stack of the program that runs, and null if none does.
extern void *program_stack_top;

// Runs exit handlers and destructors, then ends the program. Only inside run_program.
[[noreturn]] void exit_program(int status);

// Calls `run` with main's arguments as registers hold them.
llvm_error_t run_with_arguments(int argc, const char *const *argv,
                                llvm::function_ref<llvm_error_t(llvm::ArrayRef<void *>)> run);
// As above, with a main that is checked before.
llvm_error_t run_main_with(llvm_module &module, int argc, const char *const *argv, int *status,
                           llvm::function_ref<llvm_error_t(llvm::ArrayRef<void *>)> run);

// Registers what exit_program calls after the exit handlers, in the order given.
void set_destructors(llvm::ArrayRef<void *> functions);
llvm_error_t set_destructors(llvm_module &module);
// The constructors that have still to run.
llvm_error_t take_constructors(llvm_module &module, std::vector<void *> &addresses);

llvm_error_t run_native_main(llvm_module &module, llvm_level_t level,
                             llvm::ArrayRef<void *> arguments, int &status);

} // namespace bareflow
