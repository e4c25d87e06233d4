// Code generators: what makes native code of a module, behind one interface.
//
// A generator is a folder beside this file and a row of the list in generator.cpp, or comes with the options of the
// session; and rows of the table of levels name it. It gets a module, and hands an ELF object back; or it refuses what it cannot make code of, with its reason,
// and the function goes to the next level. Linking, and what is counted and noted in code, is the engine's: a generator
// knows nothing of it.
#pragma once

#include "levels.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

struct llvm_context;

namespace bareflow {

// That a generator does not make code of a module, and why. The module is as it was.
class Refusal : public llvm::ErrorInfo<Refusal> {
public:
  static char ID;
  explicit Refusal(std::string reason) : reason(std::move(reason)) {}
  void log(llvm::raw_ostream &stream) const override { stream << reason; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::string reason;
};

using MadeObjectFile = llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>;

class CodeGenerator {
public:
  virtual ~CodeGenerator() = default;
  // An ELF object with the module's code, which is used up; a Refusal; or another error, of the module or of memory.
  // Notes in the context when optimising it was done.
  virtual MadeObjectFile generate(llvm::Module &ir, const Level &level) = 0;
  // The processor that the level's code is for, by LLVM's name.
  virtual std::string processor(const Level &level) const = 0;
};

// Opens the generators of all levels, and sets what the context says of the target.
llvm_error_t create_generators(llvm_context &context);
// The generator of a level makes an object of the module.
MadeObjectFile emit_object(llvm_context &context, llvm::Module &ir, llvm_level_t level);
// As above, at the next level that does not refuse it, which `level` says afterwards.
MadeObjectFile emit_object_from(llvm_context &context, llvm::Module &ir, llvm_level_t &level);

} // namespace bareflow
