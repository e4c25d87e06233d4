//! What any program does with `llvm-sys`.

use core::ffi::{CStr, c_char};
use core::ptr;

use llvm_sys::core::{
    LLVMContextCreate, LLVMContextDispose, LLVMCreateMemoryBufferWithMemoryRangeCopy,
};
use llvm_sys::error::LLVMGetErrorMessage;
use llvm_sys::execution_engine::{
    LLVMCreateMCJITCompilerForModule, LLVMDisposeExecutionEngine, LLVMGetFunctionAddress,
    LLVMInitializeMCJITCompilerOptions, LLVMLinkInMCJIT, LLVMMCJITCompilerOptions,
};
use llvm_sys::ir_reader::LLVMParseIRInContext;
use llvm_sys::target::{LLVM_InitializeNativeAsmPrinter, LLVM_InitializeNativeTarget};
use llvm_sys::transforms::pass_builder::{
    LLVMCreatePassBuilderOptions, LLVMDisposePassBuilderOptions, LLVMRunPasses,
};

const SOURCE: &CStr = c"
target triple = \"x86_64-unknown-none-elf\"
define i32 @fib(i32 %n) {
entry:
  %small = icmp slt i32 %n, 2
  br i1 %small, label %base, label %step
base:
  ret i32 %n
step:
  %one = sub i32 %n, 1
  %two = sub i32 %n, 2
  %a = call i32 @fib(i32 %one)
  %b = call i32 @fib(i32 %two)
  %sum = add i32 %a, %b
  ret i32 %sum
}
";

/// A message of LLVM's; it is not freed, for the program ends with it.
fn text(message: *mut c_char) -> &'static str {
    if message.is_null() {
        return "LLVM gave no reason";
    }
    // SAFETY: LLVM's messages are terminated by a zero byte.
    unsafe { CStr::from_ptr(message) }
        .to_str()
        .unwrap_or("LLVM's reason is not UTF-8")
}

/// Compiles the source and calls it.
///
/// # Errors
/// What LLVM says.
pub(crate) fn fibonacci(number: i32) -> Result<i32, &'static str> {
    // SAFETY: the calls keep to the contracts of LLVM's C interface: every handle is used before it is
    // disposed of, and the module belongs to the engine from its creation on.
    unsafe {
        LLVMLinkInMCJIT();
        if LLVM_InitializeNativeTarget() != 0 || LLVM_InitializeNativeAsmPrinter() != 0 {
            return Err("there is no native target");
        }
        let context = LLVMContextCreate();
        let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
            SOURCE.as_ptr(),
            SOURCE.count_bytes(),
            c"fib.ll".as_ptr(),
        );
        let (mut module, mut message) = (ptr::null_mut(), ptr::null_mut());
        if LLVMParseIRInContext(context, buffer, &mut module, &mut message) != 0 {
            return Err(text(message));
        }
        let options = LLVMCreatePassBuilderOptions();
        let error = LLVMRunPasses(module, c"default<O2>".as_ptr(), ptr::null_mut(), options);
        LLVMDisposePassBuilderOptions(options);
        if !error.is_null() {
            return Err(text(LLVMGetErrorMessage(error)));
        }
        let mut options = core::mem::zeroed::<LLVMMCJITCompilerOptions>();
        let size = size_of::<LLVMMCJITCompilerOptions>();
        LLVMInitializeMCJITCompilerOptions(&mut options, size);
        options.OptLevel = 2;
        let mut engine = ptr::null_mut();
        if LLVMCreateMCJITCompilerForModule(&mut engine, module, &mut options, size, &mut message)
            != 0
        {
            return Err(text(message));
        }
        let address = LLVMGetFunctionAddress(engine, c"fib".as_ptr());
        if address == 0 {
            return Err("fib has no address");
        }
        let function: extern "C" fn(i32) -> i32 = core::mem::transmute(address as usize);
        let result = function(number);
        LLVMDisposeExecutionEngine(engine);
        LLVMContextDispose(context);
        Ok(result)
    }
}
