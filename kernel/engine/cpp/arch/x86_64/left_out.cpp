// What stands for the parts of LLVM that a minimal kernel is linked without: left-out.ld puts these in the place of LLVM's
// own. A calling convention is the same for all that is called through a name here: arguments in registers, which nobody
// reads, and a result behind the first of them.
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Pass.h"
#include "llvm/PassInfo.h"
#include "llvm/PassRegistry.h"
#include "llvm/Support/ErrorHandling.h"

#include <string>
#include <string_view>

using namespace llvm;

#define STANDS_AS(name) __asm__("bareflow_left_out_" #name)

namespace bareflow {
namespace {

// LLVM destroys what its owner has made, by the first entries of a table of virtual functions.
class Destructible {
public:
  virtual ~Destructible() = default;
  // Its memory is as large as what it stands for.
  static void operator delete(void *memory) { ::operator delete(memory); }
};

// Debug information is stripped before anything is compiled.
class NoDebugValues final : public MachineFunctionPass {
public:
  NoDebugValues() : MachineFunctionPass(LiveDebugValuesID) {}

  void getAnalysisUsage(AnalysisUsage &usage) const override {
    usage.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(usage);
  }
  bool runOnMachineFunction(MachineFunction &) override { return false; }
};

} // namespace

// What is never called: a pipeline has it only with options that nothing here sets, or with other kinds of files.
[[noreturn]] void refuse() STANDS_AS(part);
void refuse() { report_fatal_error("the kernel was linked without this part of LLVM"); }

// A pass that is not registered, as no pipeline names it.
void register_nothing() STANDS_AS(registration);
void register_nothing() {}

void *make_nothing() STANDS_AS(object);
void *make_nothing() { return nullptr; }

void construct_nothing(void *memory) STANDS_AS(constructor);
void construct_nothing(void *memory) { new (memory) Destructible; }

// A pass that runs and has nothing to do.
PreservedAnalyses preserve_everything() STANDS_AS(pass);
PreservedAnalyses preserve_everything() { return PreservedAnalyses::all(); }

void register_debug_values(PassRegistry &registry) STANDS_AS(debug_values);
void register_debug_values(PassRegistry &registry) {
  if (registry.getPassInfo(&LiveDebugValuesID))
    return;
  auto make = []() -> Pass * { return new NoDebugValues; };
  registry.registerPass(*new PassInfo("No debug values", "livedebugvalues", &LiveDebugValuesID, make,
                                      /*isCFGOnly=*/false, /*is_analysis=*/false),
                        /*ShouldFree=*/true);
}

std::string keep_name(std::string_view name) STANDS_AS(demangler);
std::string keep_name(std::string_view name) { return std::string(name); }

// Printers of assembly, which are never made.
extern const void *const virtual_functions[] STANDS_AS(virtual_functions);
const void *const virtual_functions[2] = {};

} // namespace bareflow
