// LLVM's passes for a level.
#include "generator.h"

#include "../../session.h"

#include "llvm/Analysis/LazyCallGraph.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/PassInstrumentation.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;

namespace bareflow {

static OptimizationLevel optimization_level(unsigned optimisation) {
  switch (optimisation) {
  case 0:
    return OptimizationLevel::O0;
  case 1:
    return OptimizationLevel::O1;
  case 2:
    return OptimizationLevel::O2;
  default:
    return OptimizationLevel::O3;
  }
}

void set_option(StringRef name, StringRef value) {
  cl::getRegisteredOptions().lookup(name)->addOccurrence(0, name, value);
}

// With a profile, LLVM puts as many copies of a loop's body before it as it runs on average. A recursion that has become
// a loop (fib) took 9 % more instructions for that.
static void limit_peeling(const Module &ir) {
  bool has_profile = ir.getProfileSummary(/*IsCS=*/false);
  set_option("unroll-allow-peeling", has_profile ? "false" : "true");
}

// Bodies that are there for inlining are optimised where they have been inlined, and nowhere else: a unit's
// compilation costs what the unit costs.
static bool is_for_code(StringRef, Any ir) {
  auto has_code = [](const Function &function) {
    return !function.hasAvailableExternallyLinkage();
  };
  if (const auto **function = any_cast<const Function *>(&ir))
    return has_code(**function);
  if (const auto **loop = any_cast<const Loop *>(&ir))
    return has_code(*(*loop)->getHeader()->getParent());
  if (const auto **component = any_cast<const LazyCallGraph::SCC *>(&ir))
    return any_of(**component, [&](const LazyCallGraph::Node &node) {
      return has_code(node.getFunction());
    });
  return true;
}

// Whether there is something that code cannot be made of without passes.
bool needs_passes(const Module &ir) {
  return any_of(ir, [](const Function &function) {
    return function.hasFnAttribute(Attribute::AlwaysInline) ||
           (function.isIntrinsic() && (function.getName().starts_with("llvm.coro.") ||
                                       function.getName().starts_with("llvm.matrix.")));
  });
}

void optimise(llvm_context &context, TargetMachine &machine, Module &ir,
              unsigned optimisation) {
  if (optimisation > 0)
    limit_peeling(ir);
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = optimisation >= 2;
  tuning.SLPVectorization = optimisation >= 2;
  // No linker is going to put functions in order.
  tuning.CallGraphProfile = false;

  // Destroyed in reverse order: the managers refer to one another.
  PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(is_for_code);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine, tuning, std::nullopt, &callbacks);
  functions.registerPass([&] { return TargetLibraryAnalysis(*context.library_info); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  ModulePassManager passes = optimisation == 0
                                 ? builder.buildO0DefaultPipeline(OptimizationLevel::O0)
                                 : builder.buildPerModuleDefaultPipeline(optimization_level(optimisation));
  passes.run(ir, modules);
}

} // namespace bareflow
