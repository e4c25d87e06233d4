// Bytes to checked IR, and several modules to one.
#include "arch/arch.h"
#include "recovery.h"
#include "session.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/AutoUpgrade.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace bareflow;

// The major version in a producer such as "LLVM19.1.7" or "LLVM17.0.6-rust-1.75"; 0 if unknown.
static unsigned producer_version(StringRef producer) {
  unsigned version = 0;
  if (producer.consume_front("LLVM") || producer.consume_front("APPLE_1_"))
    producer.consumeInteger(10, version);
  return version;
}

// The first whose data layout aligns integers of 128 bits to 16 bytes.
constexpr unsigned aligning_version = 18;

// `is_old`: the layout was another, which reading has replaced.
static llvm_error_t parse_bitcode(llvm_context &context, MemoryBufferRef bytes,
                                  std::unique_ptr<Module> &ir, bool &is_old) {
  StringRef name = bytes.getBufferIdentifier();
  auto producer = getBitcodeProducerString(bytes);
  if (!producer)
    return fail(context, LLVM_ERROR_MALFORMED_IR,
                name + ": truncated or malformed bitcode: " + toString(producer.takeError()));
  unsigned version = producer_version(*producer);
  is_old = version != 0 && version < aligning_version;
  if (version > LLVM_VERSION_MAJOR)
    return fail(context, LLVM_ERROR_NEWER_IR,
                name + ": the bitcode was written by " + *producer +
                    "; this is LLVM " LLVM_VERSION_STRING ", which reads bitcode up to its own "
                    "major version");
  auto parsed = parseBitcodeFile(bytes, context.ir);
  if (!parsed)
    return fail(context, LLVM_ERROR_MALFORMED_IR,
                name + ": truncated or malformed bitcode: " + toString(parsed.takeError()));
  ir = std::move(*parsed);
  return LLVM_OK;
}

static llvm_error_t parse_text(llvm_context &context, MemoryBufferRef bytes,
                               std::unique_ptr<Module> &ir, bool &is_old) {
  SMDiagnostic diagnostic;
  ir = parseAssembly(bytes, diagnostic, context.ir);
  if (ir) {
    StringRef layout = ir->getDataLayoutStr();
    is_old = !layout.empty() && !layout.contains("-i128:128");
    return LLVM_OK;
  }
  StringRef message = diagnostic.getMessage();
  message.consume_front("error: ");
  return fail(context, LLVM_ERROR_MALFORMED_IR,
              bytes.getBufferIdentifier() + ":" + Twine(diagnostic.getLineNo()) + ":" +
                  Twine(diagnostic.getColumnNo() + 1) + ": malformed IR: " + message);
}

static bool triple_fits(StringRef text) {
  Triple triple(text);
  return text.empty() ||
         (arch::is_triple_of(triple) && triple.getOS() == Triple::UnknownOS &&
          triple.getEnvironment() == Triple::UnknownEnvironment && triple.isOSBinFormatELF() &&
          text.contains("-none"));
}

static llvm_error_t check_target(llvm_context &context, Module &ir, StringRef name) {
  StringRef triple = ir.getTargetTriple();
  if (!triple_fits(triple))
    return fail(context, LLVM_ERROR_WRONG_TARGET,
                name + ": the IR is for target '" + triple + "', not for '" + arch::target_triple + "'");
  StringRef layout = ir.getDataLayoutStr();
  // Older compilers wrote layouts that mean the same.
  if (!layout.empty() && UpgradeDataLayoutString(layout, arch::target_triple) != context.data_layout)
    return fail(context, LLVM_ERROR_WRONG_TARGET,
                name + ": the IR has the data layout '" + layout + "', not '" +
                    context.data_layout + "'");
  ir.setTargetTriple(arch::target_triple);
  ir.setDataLayout(context.data_layout);
  return LLVM_OK;
}

llvm_error_t llvm_parse_ir(llvm_context_t *context, const void *bytes, size_t length,
                           const char *name, llvm_module_t **module) {
  return enter(context, [&]() -> llvm_error_t {
    if (!bytes || !name || !module)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT, "llvm_parse_ir: null argument");
    *module = nullptr;
    if (length == 0)
      return fail(*context, LLVM_ERROR_MALFORMED_IR, Twine(name) + ": the file is empty");
    // The assembly parser wants a terminating zero, which the caller's bytes need not have.
    auto copy = MemoryBuffer::getMemBufferCopy(
        StringRef(static_cast<const char *>(bytes), length), name);
    auto *first = reinterpret_cast<const unsigned char *>(copy->getBufferStart());
    bool is_bitcode = isBitcode(first, first + length);

    take_diagnostic(*context);
    std::unique_ptr<Module> ir;
    bool is_old = false;
    if (llvm_error_t error = is_bitcode ? parse_bitcode(*context, *copy, ir, is_old)
                                        : parse_text(*context, *copy, ir, is_old))
      return error;
    if (std::string text = take_diagnostic(*context); !text.empty())
      return fail(*context, LLVM_ERROR_MALFORMED_IR, Twine(name) + ": " + text);
    if (llvm_error_t error = check_target(*context, *ir, name))
      return error;
    std::string broken;
    raw_string_ostream stream(broken);
    if (verifyModule(*ir, &stream))
      return fail(*context, LLVM_ERROR_MALFORMED_IR, Twine(name) + ": invalid IR: " + broken);
    if (is_old)
      keep_old_layout(*ir);
    // Nothing here reads debug information, and it is most of the memory of a module that has it. It all hangs on
    // this list, as the verifier has checked; looking for it instruction by instruction takes long.
    if (ir->getNamedMetadata("llvm.dbg.cu"))
      StripDebugInfo(*ir);
    adapt_to_environment(*ir);
    ir->setModuleIdentifier(name);

    auto parsed = std::make_unique<llvm_module>();
    parsed->context = context;
    parsed->name = name;
    parsed->ir = std::move(ir);
    *module = parsed.get();
    context->modules.push_back(std::move(parsed));
    return LLVM_OK;
  });
}

llvm_error_t llvm_link(llvm_module_t *target, llvm_module_t *source) {
  if (!target || !source || target == source || target->context != source->context)
    return LLVM_ERROR_INVALID_ARGUMENT;
  llvm_context *context = target->context;
  return enter(context, [&]() -> llvm_error_t {
    if (target->prepared || source->prepared)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT,
                  "llvm_link: a compiled module cannot be linked");
    take_diagnostic(*context);
    bool failed = llvm::Linker::linkModules(*target->ir, std::move(source->ir));
    std::string name = source->name;
    llvm_module_destroy(source);
    std::string text = take_diagnostic(*context);
    if (failed || !text.empty())
      return fail(*context, LLVM_ERROR_LINK, Twine("linking ") + name + ": " + text);
    return LLVM_OK;
  });
}

void llvm_module_destroy(llvm_module_t *module) {
  if (!module || module->context->poisoned)
    return;
  llvm_context *context = module->context;
  enter(context, [&]() -> llvm_error_t {
    context->pool->free(module->allocations);
    llvm::erase_if(context->modules,
                   [&](const auto &owned) { return owned.get() == module; });
    return LLVM_OK;
  });
}

llvm_error_t llvm_get_function(llvm_module_t *module, const char *name,
                               llvm_function_t **result) {
  if (!module)
    return LLVM_ERROR_INVALID_ARGUMENT;
  llvm_context *context = module->context;
  return enter(context, [&]() -> llvm_error_t {
    if (!name || !result)
      return fail(*context, LLVM_ERROR_INVALID_ARGUMENT, "llvm_get_function: null argument");
    *result = nullptr;
    const Function *ir = module->ir->getFunction(name);
    if (!ir || ir->isDeclaration())
      return fail(*context, LLVM_ERROR_NO_FUNCTION,
                  Twine(module->name) + ": the program defines no function '" + name + "'");
    auto &function = module->functions[name];
    if (!function) {
      function = std::make_unique<llvm_function>();
      function->module = module;
      function->name = name;
    }
    *result = function.get();
    return LLVM_OK;
  });
}
