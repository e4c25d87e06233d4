// The list of code generators, and who makes the code of which level.
#include "generator.h"

#include "../arch/arch.h"
#include "../session.h"
#include "llvm/generator.h"

#include "llvm-c/Types.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace bareflow {

char Refusal::ID;

namespace {

// One line for each generator. Null if it cannot be had; the context then says why.
struct Entry {
  const char *name;
  std::unique_ptr<CodeGenerator> (*create)(llvm_context &context);
};
constexpr Entry entries[] = {{llvm_generator_name, create_llvm_generator}};

// A generator that knows nothing: of a level that is to refuse everything, for tests, or whose generator is not there.
class RefusingGenerator final : public CodeGenerator {
public:
  explicit RefusingGenerator(std::string reason) : reason(std::move(reason)) {}
  MadeObjectFile generate(Module &, const Level &) override {
    return make_error<Refusal>(reason);
  }
  std::string processor(const Level &) const override { return arch::baseline_processor; }

private:
  std::string reason;
};

// A generator that the session was given.
class GivenGenerator final : public CodeGenerator {
public:
  GivenGenerator(llvm_context &context, const llvm_generator_t &given)
      : context(context), given(given), opened(given.open()) {}
  ~GivenGenerator() override { given.close(opened); }

  MadeObjectFile generate(Module &ir, const Level &level) override {
    llvm_generated_t made{};
    context.optimised_at = arch::read_clock();
    llvm_error_t error = given.generate(opened, wrap(&ir), level.optimisation, &made);
    StringRef bytes(reinterpret_cast<const char *>(made.bytes), made.size);
    if (error == LLVM_OK)
      return MemoryBuffer::getMemBufferCopy(bytes, ir.getModuleIdentifier());
    if (error == LLVM_ERROR_REFUSED)
      return make_error<Refusal>(bytes.str());
    return createStringError(inconvertibleErrorCode(), bytes);
  }

  std::string processor(const Level &) const override { return arch::baseline_processor; }

private:
  llvm_context &context;
  const llvm_generator_t given;
  void *opened;
};

bool is_to_refuse(const llvm_context &context, llvm_level_t level) {
  return level + 1 < level_count && (context.options.refusing_levels >> level & 1);
}

} // namespace

static void add(llvm_context &context, StringRef name, std::unique_ptr<CodeGenerator> generator) {
  for (llvm_level_t level = 0; level < level_count; ++level)
    if (name == levels[level].generator)
      context.generators[level] = generator.get();
  context.all_generators.push_back(std::move(generator));
}

static void have_refuse(llvm_context &context, llvm_level_t level, const Twine &reason) {
  context.all_generators.push_back(std::make_unique<RefusingGenerator>(reason.str()));
  context.generators[level] = context.all_generators.back().get();
}

llvm_error_t create_generators(llvm_context &context) {
  const llvm_options_t &options = context.options;
  for (const llvm_generator_t &given : ArrayRef(options.generators, options.generator_count))
    add(context, given.name, std::make_unique<GivenGenerator>(context, given));
  for (const Entry &entry : entries) {
    std::unique_ptr<CodeGenerator> generator = entry.create(context);
    if (!generator)
      return LLVM_ERROR_INTERNAL;
    add(context, entry.name, std::move(generator));
  }
  for (llvm_level_t level = 0; level < level_count; ++level) {
    const Level &row = levels[level];
    if (is_to_refuse(context, level))
      have_refuse(context, level, Twine("the settings have ") + row.name + " refuse everything");
    else if (!context.generators[level] && row.can(LLVM_LEVEL_MAY_REFUSE))
      have_refuse(context, level, Twine("no code generator '") + row.generator + "' is here");
    else if (!context.generators[level])
      return fail(context, LLVM_ERROR_INTERNAL,
                  Twine("no code generator '") + row.generator + "' for " + row.name);
  }
  context.processor = context.generators.back()->processor(levels[level_count - 1]);
  return LLVM_OK;
}

MadeObjectFile emit_object(llvm_context &context, Module &ir, llvm_level_t level) {
  return context.generators[level]->generate(ir, levels[level]);
}

MadeObjectFile emit_object_from(llvm_context &context, Module &ir, llvm_level_t &level) {
  for (;;) {
    MadeObjectFile object = emit_object(context, ir, level);
    if (object || !object.errorIsA<Refusal>() || level + 1 == level_count)
      return object;
    consumeError(object.takeError());
    ++level;
  }
}

} // namespace bareflow
