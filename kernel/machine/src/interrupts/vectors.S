# The entries of all 256 vectors. Each pushes its number, behind an error code if the processor pushes none
# (Intel SDM volume 3, table 6-1), and goes on to `trap_entry`.

.pushsection .text.trap_entries, "ax", @progbits
.code64
.balign 16
.globl trap_entries
trap_entries:
.set vector, 0
.rept 256
    .balign 16
    .if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
    pushq $0
    .endif
    pushq $vector
    jmp trap_entry
    .set vector, vector + 1
.endr

# Saves everything that the interrupted code may rely on, calls `handle_trap(frame)`, and returns to where
# the frame says afterwards. The direction flag is cleared for the handler, as functions expect it.
trap_entry:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    movq %rsp, %rbx
    # The handler is compiled for SSE2: it changes no part of the wider vector registers.
    subq $512, %rsp
    fxsave64 (%rsp)
    call handle_trap
    fxrstor64 (%rsp)
    movq %rbx, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp                      # vector and error code
    iretq
.popsection
