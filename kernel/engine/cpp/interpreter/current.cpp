// Which function is being interpreted.
//
// LLVM's interpreter knows it at each moment, in the frame on top of its stack of calls, but its class is not in the
// headers that LLVM installs. The start of that class and the whole of a frame, as LLVM 18 has them
// (lib/ExecutionEngine/Interpreter/Interpreter.h), are declared here once more, and only looked at. So the question costs
// nothing while nobody asks.
#include "interpret.h"

#include "llvm/ExecutionEngine/ExecutionEngine.h"
#include "llvm/IR/Function.h"

#include <map>
#include <stdio.h>

using namespace llvm;

extern "C" uintptr_t bareflow_interpreted_stack;

namespace bareflow {
namespace {

struct InterpretedCall {
  Function *function;
  BasicBlock *block;
  BasicBlock::iterator next;
  CallBase *caller;
  std::map<Value *, GenericValue> values;
  std::vector<GenericValue> variadic;
  std::vector<void *> variables;
};

class InterpreterState : public ExecutionEngine {
public:
  GenericValue exit_value;
  void *intrinsic_lowering;
  std::vector<InterpretedCall> calls;
};

const ExecutionEngine *interpreter;

} // namespace

Interpreting::Interpreting(const ExecutionEngine &engine) { interpreter = &engine; }
Interpreting::~Interpreting() { interpreter = nullptr; }

void describe_interpreted(uintptr_t stack, char *text, size_t text_size) {
  // Who asks has seen the program do something wrong. If that was to overwrite what is looked at, the look faults too,
  // and the next one is spared.
  auto *state = static_cast<const InterpreterState *>(std::exchange(interpreter, nullptr));
  StringRef name;
  // A call that leaves interpreted code is on the stack of calls too, as one of a function without a body.
  if (state)
    for (const InterpretedCall &call : reverse(state->calls))
      if (!call.function->isDeclaration()) {
        name = call.function->getName();
        break;
      }
  if (name.empty()) {
    snprintf(text, text_size, "in interpreted code");
    return;
  }
  // Native code has its frames below the interpreted ones, and the interpreter its own above them.
  bool is_called = stack && stack < bareflow_interpreted_stack;
  snprintf(text, text_size, is_called ? "in what function '%.*s' called (interpreted)"
                                      : "in function '%.*s' (interpreted)",
           static_cast<int>(std::min<size_t>(name.size(), 200)), name.data());
}

} // namespace bareflow
