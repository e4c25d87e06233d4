// What the kernel does: it makes a function with LLVM, has it verified, and prints it.
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

int main() {
  llvm::LLVMContext context;
  llvm::Module module("squares", context);
  auto *number = llvm::Type::getInt32Ty(context);
  auto *type = llvm::FunctionType::get(number, {number}, false);
  auto *square = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "square", module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "entry", square));
  builder.CreateRet(builder.CreateMul(square->getArg(0), square->getArg(0)));
  if (llvm::verifyModule(module, &llvm::errs()))
    return 1;
  module.print(llvm::outs(), nullptr);
}
