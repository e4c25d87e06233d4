// What an architecture is to the engine's C++ part: a folder beside this file, which defines these names. Nothing outside
// that folder names a register, an instruction, a calling convention or the target's triple. The Rust part has the same in
// src/arch.
#pragma once

#include "../../include/llvm_baremetal.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/IR/Function.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/TargetParser/Triple.h"

#include <stddef.h>

#if defined(__x86_64__)
#include "x86_64/inline.h"
#else
#error "the engine has no folder for this architecture in cpp/arch"
#endif

namespace bareflow::arch {

// inline.h: the processor's counter of cycles or the like, whose unit `cycles` are everywhere in the engine.
//   uint64_t read_clock();

// From the table of targets, by the build script: the triple of what programs are compiled for, the least of its
// processors, by LLVM's names, and sizes of stubs.
constexpr const char *target_triple = BAREFLOW_TRIPLE;
constexpr const char *baseline_processor = BAREFLOW_BASELINE;
constexpr size_t stub_bytes = BAREFLOW_STUB_BYTES;
constexpr size_t entry_bytes = BAREFLOW_ENTRY_BYTES;

// target.cpp: makes LLVM's back end for the architecture known.
void register_target();
// target.cpp: whether IR for this triple is for the architecture.
bool is_triple_of(const llvm::Triple &triple);
// target.cpp: the model of a processor that code is tuned for, if it is not the processor's own; or "".
llvm::StringRef tuning_of(const llvm::MCSubtargetInfo &processor);
// target.cpp: whether the function is entered by an interrupt, and must keep each register.
bool is_interrupt_handler(const llvm::Function &function);

// stubs.cpp: to be called before a program runs.
void prepare_stubs();
// stubs.cpp: writes stub_bytes of code that go to where the word says.
void put_stub(uintptr_t place, uintptr_t word);
// stubs.cpp: writes entry_bytes of code that go to `enter_unit` with the unit's number.
void put_entry(uintptr_t place, uint32_t unit, uintptr_t enter_unit);

// stubs.cpp defines bareflow_enter_unit and bareflow_native_... of tiered/tiered.h, in assembly.
// native_call.cpp defines what interpreter/native_call.h declares, by the architecture's calling convention.

} // namespace bareflow::arch
