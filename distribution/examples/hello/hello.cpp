// Makes a function with LLVM's interface for C++, compiles it, and calls it.
#include <llvm/Config/llvm-config.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/TargetSelect.h>

#include <cstdio>
#include <memory>
#include <string>

namespace {

llvm::orc::ThreadSafeModule product() {
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = std::make_unique<llvm::Module>("hello", *context);
  auto *number = llvm::Type::getInt32Ty(*context);
  auto *type = llvm::FunctionType::get(number, {number, number}, false);
  auto *function =
      llvm::Function::Create(type, llvm::Function::ExternalLinkage, "product", *module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(*context, "entry", function));
  builder.CreateRet(builder.CreateMul(function->getArg(0), function->getArg(1)));
  return {std::move(module), std::move(context)};
}

llvm::Error run() {
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  if (auto error = (*jit)->addIRModule(product()))
    return error;
  auto address = (*jit)->lookup("product");
  if (!address)
    return address.takeError();
  auto *multiply = address->toPtr<int (*)(int, int)>();
  std::printf("hello from LLVM %s: 6 * 7 = %d\n", LLVM_VERSION_STRING, multiply(6, 7));
  return llvm::Error::success();
}

} // namespace

int main() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  if (auto error = run()) {
    std::fprintf(stderr, "%s\n", llvm::toString(std::move(error)).c_str());
    return 1;
  }
}
