// Makes a function with LLVM's interface for C++, has it verified, and prints it as IR.
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include <cstdio>
#include <string>

extern "C" int squares_main() {
  llvm::LLVMContext context;
  llvm::Module module("squares", context);
  auto *number = llvm::Type::getInt32Ty(context);
  auto *type = llvm::FunctionType::get(number, {number}, false);
  auto *square = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "square", module);
  llvm::Argument *x = square->getArg(0);
  x->setName("x");
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "entry", square));
  builder.CreateRet(builder.CreateMul(x, x, "product"));

  std::string text;
  llvm::raw_string_ostream stream(text);
  if (llvm::verifyModule(module, &stream)) {
    std::fputs(stream.str().c_str(), stderr);
    return 1;
  }
  stream << *square;
  std::fputs(stream.str().c_str(), stdout);
  return 0;
}
