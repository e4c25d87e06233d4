// The list of code generators, and who makes the code of which level.
#include "generator.h"

#include "../session.h"
#include "llvm/generator.h"

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
constexpr Entry entries[] = {{"llvm", create_llvm_generator}};

// A generator that knows nothing: stands for another one where levels are to refuse everything, for tests.
class RefusingGenerator final : public CodeGenerator {
public:
  explicit RefusingGenerator(CodeGenerator &other) : other(other) {}
  MadeObjectFile generate(Module &, const Level &level) override {
    return make_error<Refusal>(std::string("the settings have ") + level.name + " refuse everything");
  }
  std::string processor(const Level &level) const override { return other.processor(level); }

private:
  CodeGenerator &other;
};

bool is_to_refuse(const llvm_context &context, llvm_level_t level) {
  return level + 1 < level_count && (context.options.refusing_levels >> level & 1);
}

} // namespace

llvm_error_t create_generators(llvm_context &context) {
  for (const Entry &entry : entries) {
    std::unique_ptr<CodeGenerator> generator = entry.create(context);
    if (!generator)
      return LLVM_ERROR_INTERNAL;
    for (llvm_level_t level = 0; level < level_count; ++level)
      if (StringRef(levels[level].generator) == entry.name)
        context.generators[level] = generator.get();
    context.all_generators.push_back(std::move(generator));
  }
  for (llvm_level_t level = 0; level < level_count; ++level) {
    CodeGenerator *&generator = context.generators[level];
    if (!generator)
      return fail(context, LLVM_ERROR_INTERNAL,
                  Twine("no code generator '") + levels[level].generator + "' for " +
                      levels[level].name);
    if (!is_to_refuse(context, level))
      continue;
    context.all_generators.push_back(std::make_unique<RefusingGenerator>(*generator));
    generator = context.all_generators.back().get();
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
