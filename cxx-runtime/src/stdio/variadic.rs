//! The variadic entry points. Stable Rust cannot define a variadic function, so each is a few
//! instructions that build the `va_list` of the System V ABI (section 3.5.7) and call the function that
//! takes one.

macro_rules! variadic {
    ($($name:literal calls $target:literal with the list in $register:literal after $fixed:literal;)*) => {
        $(core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ", \"ax\", @progbits"),
            concat!(".globl ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ":"),
            // 24 bytes of va_list, 8 of padding, 176 of register save area, 8 for the alignment.
            "sub rsp, 216",
            "mov [rsp + 32], rdi",
            "mov [rsp + 40], rsi",
            "mov [rsp + 48], rdx",
            "mov [rsp + 56], rcx",
            "mov [rsp + 64], r8",
            "mov [rsp + 72], r9",
            // AL is an upper bound of the vector registers in use.
            "test al, al",
            "je 2f",
            "movaps [rsp + 80], xmm0",
            "movaps [rsp + 96], xmm1",
            "movaps [rsp + 112], xmm2",
            "movaps [rsp + 128], xmm3",
            "movaps [rsp + 144], xmm4",
            "movaps [rsp + 160], xmm5",
            "movaps [rsp + 176], xmm6",
            "movaps [rsp + 192], xmm7",
            "2:",
            concat!("mov dword ptr [rsp], 8 * ", $fixed),
            "mov dword ptr [rsp + 4], 48",
            "lea rax, [rsp + 224]",
            "mov [rsp + 8], rax",
            "lea rax, [rsp + 32]",
            "mov [rsp + 16], rax",
            concat!("lea ", $register, ", [rsp]"),
            concat!("call ", $target),
            "add rsp, 216",
            "ret",
            concat!(".size ", $name, ", . - ", $name),
            ".popsection",
        );)*
    };
}

variadic! {
    "printf" calls "vprintf" with the list in "rsi" after "1";
    "scanf" calls "vscanf" with the list in "rsi" after "1";
    "fprintf" calls "vfprintf" with the list in "rdx" after "2";
    "fscanf" calls "vfscanf" with the list in "rdx" after "2";
    "dprintf" calls "vdprintf" with the list in "rdx" after "2";
    "asprintf" calls "vasprintf" with the list in "rdx" after "2";
    "error" calls "bareflow_verror" with the list in "rcx" after "3";
    "error_at_line" calls "bareflow_verror_at_line" with the list in "r9" after "5";
    "makecontext" calls "bareflow_makecontext" with the list in "rcx" after "3";
    "err" calls "verr" with the list in "rdx" after "2";
    "errx" calls "verrx" with the list in "rdx" after "2";
    "warn" calls "vwarn" with the list in "rsi" after "1";
    "warnx" calls "vwarnx" with the list in "rsi" after "1";
    "syslog" calls "vsyslog" with the list in "rdx" after "2";
    "sprintf" calls "vsprintf" with the list in "rdx" after "2";
    "snprintf" calls "vsnprintf" with the list in "rcx" after "3";
    "sscanf" calls "vsscanf" with the list in "rdx" after "2";
    "wprintf" calls "vwprintf" with the list in "rsi" after "1";
    "wscanf" calls "vwscanf" with the list in "rsi" after "1";
    "fwprintf" calls "vfwprintf" with the list in "rdx" after "2";
    "fwscanf" calls "vfwscanf" with the list in "rdx" after "2";
    "swprintf" calls "vswprintf" with the list in "rcx" after "3";
    "swscanf" calls "vswscanf" with the list in "rdx" after "2";
}
