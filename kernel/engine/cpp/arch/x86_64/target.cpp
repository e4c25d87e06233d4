// x86-64 to LLVM.
#include "../arch.h"

#include "llvm/IR/CallingConv.h"
#include "llvm/MC/MCSchedule.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;

namespace bareflow::arch {

void register_target() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
}

bool is_triple_of(const Triple &triple) { return triple.getArch() == Triple::x86_64; }

// LLVM's models of some processors (Zen 3 and later) have a loop buffer of hundreds of operations, and
// loops are unrolled until it is full: compiling takes several times as long, for code that is no faster.
// The models of the psABI's levels have no such buffer.
StringRef tuning_of(const MCSubtargetInfo &processor) {
  constexpr unsigned largest_loop_buffer = 128;
  if (processor.getSchedModel().LoopMicroOpBufferSize <= largest_loop_buffer)
    return "";
  return processor.checkFeatures("+avx512vl") ? "x86-64-v4" : "x86-64-v3";
}

bool is_interrupt_handler(const Function &function) {
  return function.getCallingConv() == CallingConv::X86_INTR;
}

} // namespace bareflow::arch
