// From IR to an object file: one target machine and one pass pipeline per level.
#include "session.h"

#include "llvm/Analysis/LazyCallGraph.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/PassInstrumentation.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

using namespace llvm;

namespace bareflow {

static CodeGenOptLevel code_generation_level(unsigned level) {
  switch (level) {
  case LLVM_OPT_O0:
    return CodeGenOptLevel::None;
  case LLVM_OPT_O1:
    return CodeGenOptLevel::Less;
  case LLVM_OPT_O2:
    return CodeGenOptLevel::Default;
  default:
    return CodeGenOptLevel::Aggressive;
  }
}

static OptimizationLevel optimization_level(unsigned level) {
  switch (level) {
  case LLVM_OPT_O0:
    return OptimizationLevel::O0;
  case LLVM_OPT_O1:
    return OptimizationLevel::O1;
  case LLVM_OPT_O2:
    return OptimizationLevel::O2;
  default:
    return OptimizationLevel::O3;
  }
}

// What the processor has and the kernel lets programs use, by CPUID and XGETBV.
static std::string host_features() {
  SubtargetFeatures features;
  StringMap<bool> found;
  sys::getHostCPUFeatures(found);
  for (auto &feature : found)
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

// LLVM's models of some processors (Zen 3 and later) have a loop buffer of hundreds of operations, and
// loops are unrolled until it is full: compiling takes several times as long, for code that is no faster.
// The models of the psABI's levels have no such buffer.
static StringRef tuning_of(const TargetMachine &machine) {
  constexpr unsigned largest_loop_buffer = 128;
  const MCSubtargetInfo &processor = *machine.getMCSubtargetInfo();
  if (processor.getSchedModel().LoopMicroOpBufferSize <= largest_loop_buffer)
    return "";
  return processor.checkFeatures("+avx512vl") ? "x86-64-v4" : "x86-64-v3";
}

// The front end wrote down the least of all processors; this code is for the one at hand.
static void retarget_to_host(Module &ir, const TargetMachine &machine) {
  StringRef tuning = tuning_of(machine);
  for (Function &function : ir) {
    for (StringRef attribute : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(attribute);
    if (!tuning.empty())
      function.addFnAttr("tune-cpu", tuning);
  }
}

llvm_error_t create_targets(llvm_context &context) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();

  std::string text;
  const Target *target = TargetRegistry::lookupTarget(target_triple, text);
  if (!target)
    return fail(context, LLVM_ERROR_INTERNAL, text);

  TargetOptions options;
  // Control that reaches `unreachable` stops there instead of running into the next function.
  options.TrapUnreachable = true;
  options.NoTrapAfterNoreturn = true;
  const char *processor = context.options.processor;
  std::string features = processor ? "" : host_features();
  for (unsigned level = 0; level < level_count; ++level) {
    auto &machine = context.machines[level];
    bool is_last = level == LLVM_OPT_O3;
    StringRef best = processor ? StringRef(processor) : sys::getHostCPUName();
    machine.reset(target->createTargetMachine(
        target_triple, is_last ? best : "x86-64", is_last ? features : "",
        options, Reloc::Static, CodeModel::Small, code_generation_level(level)));
    if (!machine)
      return fail(context, LLVM_ERROR_INTERNAL, "no target machine for x86-64");
  }
  context.data_layout = context.machines[0]->createDataLayout().getStringRepresentation();

  describe_library(context);
  return LLVM_OK;
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
static bool needs_passes(const Module &ir) {
  return any_of(ir, [](const Function &function) {
    return function.hasFnAttribute(Attribute::AlwaysInline) ||
           (function.isIntrinsic() && (function.getName().starts_with("llvm.coro.") ||
                                       function.getName().starts_with("llvm.matrix.")));
  });
}

static void optimise(llvm_context &context, Module &ir, unsigned level) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = level >= LLVM_OPT_O2;
  tuning.SLPVectorization = level >= LLVM_OPT_O2;
  // No linker is going to put functions in order.
  tuning.CallGraphProfile = false;

  // Destroyed in reverse order: the managers refer to one another.
  PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback(is_for_code);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(context.machines[level].get(), tuning, std::nullopt, &callbacks);
  functions.registerPass([&] { return TargetLibraryAnalysis(*context.library_info); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  ModulePassManager passes = level == LLVM_OPT_O0
                                 ? builder.buildO0DefaultPipeline(OptimizationLevel::O0)
                                 : builder.buildPerModuleDefaultPipeline(optimization_level(level));
  passes.run(ir, modules);
}

// The passes that make an object file; one set serves all modules, as `llc -compile-twice` proves.
class CodeGenerator {
public:
  static std::unique_ptr<CodeGenerator> create(llvm_context &context, unsigned level) {
    std::unique_ptr<CodeGenerator> made(new CodeGenerator);
    TargetLibraryInfoImpl library(*context.library_info);
    // FastISel leaves calls of what may have better code to others.
    if (level == LLVM_OPT_O0)
      library.disableAllFunctions();
    made->passes.add(new TargetLibraryInfoWrapperPass(library));
    bool is_impossible = context.machines[level]->addPassesToEmitFile(
        made->passes, made->stream, nullptr, CodeGenFileType::ObjectFile);
    return is_impossible ? nullptr : std::move(made);
  }

  SmallVector<char, 0> run(Module &ir) {
    passes.run(ir);
    return std::exchange(bytes, {});
  }

private:
  CodeGenerator() : stream(bytes) {}

  SmallVector<char, 0> bytes;
  raw_svector_ostream stream;
  legacy::PassManager passes;
};

// What has no other interface. It is for all of LLVM, and so for each module anew.
static void set_option(StringRef name, StringRef value) {
  cl::getRegisteredOptions().lookup(name)->addOccurrence(0, name, value);
}

// Whether many ways lead to a block and many lead on, as in an interpreter's loop.
static bool is_crossroads(const BasicBlock &block) {
  // LLVM 20 draws the line there too (tail-dup-pred-size and tail-dup-succ-size).
  constexpr unsigned many = 17;
  return block.hasNPredecessorsOrMore(many) && succ_size(&block) >= many;
}

// The code generator copies a jump through a table to all blocks that lead to it. At crossroads the edges multiply:
// the code generator took 12 s instead of 2 for the interpreter of QuickJS, whose code was no faster for it.
static void limit_tail_duplication(const Module &ir) {
  constexpr StringRef usual = "20";
  bool has_crossroads =
      any_of(ir, [](const Function &function) { return any_of(function, is_crossroads); });
  set_option("tail-dup-indirect-size", has_crossroads ? "0" : usual);
}

// With a profile, LLVM puts as many copies of a loop's body before it as it runs on average. A recursion that has become
// a loop (fib) took 9 % more instructions for that.
static void limit_peeling(const Module &ir) {
  bool has_profile = ir.getProfileSummary(/*IsCS=*/false);
  set_option("unroll-allow-peeling", has_profile ? "false" : "true");
}

Expected<std::unique_ptr<MemoryBuffer>> emit_object(llvm_context &context, Module &ir,
                                                    llvm_opt_level_t level) {
  take_diagnostic(context);
  if (level == LLVM_OPT_O3)
    retarget_to_host(ir, *context.machines[level]);
  if (level > LLVM_OPT_O0) {
    limit_peeling(ir);
    optimise(context, ir, level);
    limit_tail_duplication(ir);
  } else {
    if (needs_passes(ir))
      optimise(context, ir, level);
    prepare_for_fast_selection(ir);
  }
  context.optimised_at = __builtin_ia32_rdtsc();
  std::unique_ptr<CodeGenerator> &generator = context.generators[level];
  if (!generator)
    generator = CodeGenerator::create(context, level);
  if (!generator)
    return createStringError(inconvertibleErrorCode(), "the target cannot emit object files");
  SmallVector<char, 0> bytes = generator->run(ir);
  if (std::string text = take_diagnostic(context); !text.empty()) {
    generator.reset();
    return createStringError(inconvertibleErrorCode(), text);
  }
  return std::make_unique<SmallVectorMemoryBuffer>(std::move(bytes), ir.getModuleIdentifier());
}

} // namespace bareflow

// Where the code generator is known.
llvm_context::llvm_context() = default;
llvm_context::~llvm_context() = default;
