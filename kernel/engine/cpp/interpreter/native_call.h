// Calls of native functions from interpreted code; each architecture defines them by its calling convention.
#pragma once

#include "llvm/ExecutionEngine/GenericValue.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/InstrTypes.h"

#include <string>
#include <vector>

namespace bareflow {

// What a call instruction says beyond its function type.
struct Signature {
  struct Parameter {
    llvm::Type *type;
    // Bytes of a structure that is passed as a copy on the stack, or 0.
    uint64_t copied_bytes;
    uint64_t alignment;
    bool sign_extended;
  };
  llvm::Type *result;
  std::vector<Parameter> parameters;
};

// What keeps the call from being made by call_native, or "".
std::string unsupported_call(const llvm::CallBase &call);
Signature signature_of(const llvm::CallBase &call, const llvm::DataLayout &layout);

// The interpreter's handler of all native calls. The first argument is the Signature's address, the
// second the function's, then come the function's own.
llvm::GenericValue call_native(llvm::FunctionType *type,
                               llvm::ArrayRef<llvm::GenericValue> arguments);

} // namespace bareflow
