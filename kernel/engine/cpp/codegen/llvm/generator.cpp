// From IR to an object file: one target machine and one pass pipeline per level.
#include "generator.h"

#include "../../arch/arch.h"
#include "../../session.h"

#include "llvm/IR/CFG.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

using namespace llvm;

namespace bareflow {
namespace {

CodeGenOptLevel code_generation_level(unsigned optimisation) {
  switch (optimisation) {
  case 0:
    return CodeGenOptLevel::None;
  case 1:
    return CodeGenOptLevel::Less;
  case 2:
    return CodeGenOptLevel::Default;
  default:
    return CodeGenOptLevel::Aggressive;
  }
}

// What the processor has and the kernel lets programs use, by CPUID and XGETBV.
std::string host_features() {
  SubtargetFeatures features;
  StringMap<bool> found;
  sys::getHostCPUFeatures(found);
  for (auto &feature : found)
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

// The front end wrote down the least of all processors; this code is for the one at hand.
void retarget_to_host(Module &ir, const TargetMachine &machine) {
  StringRef tuning = arch::tuning_of(*machine.getMCSubtargetInfo());
  for (Function &function : ir) {
    for (StringRef attribute : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(attribute);
    if (!tuning.empty())
      function.addFnAttr("tune-cpu", tuning);
  }
}

// The passes that make an object file; one set serves all modules, as `llc -compile-twice` proves.
class Emitter {
public:
  static std::unique_ptr<Emitter> create(llvm_context &context, TargetMachine &machine,
                                         unsigned optimisation) {
    std::unique_ptr<Emitter> made(new Emitter);
    TargetLibraryInfoImpl library(*context.library_info);
    // FastISel leaves calls of what may have better code to others.
    if (optimisation == 0)
      library.disableAllFunctions();
    made->passes.add(new TargetLibraryInfoWrapperPass(library));
    bool is_impossible = machine.addPassesToEmitFile(
        made->passes, made->stream, nullptr, CodeGenFileType::ObjectFile);
    return is_impossible ? nullptr : std::move(made);
  }

  SmallVector<char, 0> run(Module &ir) {
    passes.run(ir);
    return std::exchange(bytes, {});
  }

private:
  Emitter() : stream(bytes) {}

  SmallVector<char, 0> bytes;
  raw_svector_ostream stream;
  legacy::PassManager passes;
};

// Whether many ways lead to a block and many lead on, as in an interpreter's loop.
bool is_crossroads(const BasicBlock &block) {
  // LLVM 20 draws the line there too (tail-dup-pred-size and tail-dup-succ-size).
  constexpr unsigned many = 17;
  return block.hasNPredecessorsOrMore(many) && succ_size(&block) >= many;
}

// The code generator copies a jump through a table to all blocks that lead to it. At crossroads the edges multiply:
// the code generator took 12 s instead of 2 for the interpreter of QuickJS, whose code was no faster for it.
void limit_tail_duplication(const Module &ir) {
  constexpr StringRef usual = "20";
  bool has_crossroads =
      any_of(ir, [](const Function &function) { return any_of(function, is_crossroads); });
  set_option("tail-dup-indirect-size", has_crossroads ? "0" : usual);
}

class LlvmGenerator final : public CodeGenerator {
public:
  explicit LlvmGenerator(llvm_context &context) : context(context) {}

  bool open() {
    arch::register_target();
    std::string text;
    const Target *target = TargetRegistry::lookupTarget(arch::target_triple, text);
    if (!target) {
      fail(context, LLVM_ERROR_INTERNAL, text);
      return false;
    }
    TargetOptions options;
    // Control that reaches `unreachable` stops there instead of running into the next function.
    options.TrapUnreachable = true;
    options.NoTrapAfterNoreturn = true;
    const char *chosen = context.options.processor;
    std::string best = chosen ? chosen : sys::getHostCPUName().str();
    std::string features = chosen ? "" : host_features();
    for (unsigned index = 0; index < level_count; ++index) {
      const Level &level = levels[index];
      if (StringRef(level.generator) != llvm_generator_name)
        continue;
      bool is_for_processor = level.can(LLVM_LEVEL_FOR_PROCESSOR);
      machines[index].reset(target->createTargetMachine(
          arch::target_triple, is_for_processor ? best : arch::baseline_processor,
          is_for_processor ? features : "", options, Reloc::Static, CodeModel::Small,
          code_generation_level(level.optimisation)));
      if (!machines[index]) {
        fail(context, LLVM_ERROR_INTERNAL, Twine("no target machine for ") + arch::target_triple);
        return false;
      }
    }
    // The best level is LLVM's.
    context.data_layout = machines.back()->createDataLayout().getStringRepresentation();
    return true;
  }

  MadeObjectFile generate(Module &ir, const Level &level) override {
    TargetMachine &machine = *machine_of(level);
    take_diagnostic(context);
    if (level.can(LLVM_LEVEL_FOR_PROCESSOR))
      retarget_to_host(ir, machine);
    if (level.optimisation > 0) {
      optimise(context, machine, ir, level.optimisation);
      limit_tail_duplication(ir);
    } else {
      if (needs_passes(ir))
        optimise(context, machine, ir, level.optimisation);
      prepare_for_fast_selection(ir);
    }
    context.optimised_at = arch::read_clock();
    std::unique_ptr<Emitter> &emitter = emitters[&level - levels];
    if (!emitter)
      emitter = Emitter::create(context, machine, level.optimisation);
    if (!emitter)
      return createStringError(inconvertibleErrorCode(), "the target cannot emit object files");
    SmallVector<char, 0> bytes = emitter->run(ir);
    if (std::string text = take_diagnostic(context); !text.empty()) {
      emitter.reset();
      return createStringError(inconvertibleErrorCode(), text);
    }
    return std::make_unique<SmallVectorMemoryBuffer>(std::move(bytes), ir.getModuleIdentifier());
  }

  std::string processor(const Level &level) const override {
    return machine_of(level)->getTargetCPU().str();
  }

private:
  TargetMachine *machine_of(const Level &level) const { return machines[&level - levels].get(); }

  llvm_context &context;
  std::array<std::unique_ptr<TargetMachine>, level_count> machines;
  // Made when a level is first used; they refer to the machines.
  std::array<std::unique_ptr<Emitter>, level_count> emitters;
};

} // namespace

std::unique_ptr<CodeGenerator> create_llvm_generator(llvm_context &context) {
  auto generator = std::make_unique<LlvmGenerator>(context);
  return generator->open() ? std::move(generator) : nullptr;
}

} // namespace bareflow
