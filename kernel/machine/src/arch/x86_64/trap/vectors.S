# The entries of all 256 vectors. Each pushes its number, behind an error code if the processor pushes none
# (Intel SDM volume 3, table 6-1), and goes on to `trap_entry`.

.set FXSAVE_BYTES, 512

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
    # The handler copies memory, for which it uses the widest vector registers that there are.
    movl trap_state_bytes(%rip), %ecx
    subq %rcx, %rsp
    andq $-64, %rsp
    movl $-1, %eax                      # every part of the state that is switched on
    movl $-1, %edx
    cmpl $FXSAVE_BYTES, %ecx
    je 1f
    # XRSTOR insists on zeros in the header.
    .irp offset, 0, 8, 16, 24, 32, 40, 48, 56
    movq $0, FXSAVE_BYTES + \offset(%rsp)
    .endr
    xsave64 (%rsp)
    call handle_trap
    movl $-1, %eax
    movl $-1, %edx
    xrstor64 (%rsp)
    jmp 2f
1:  fxsave64 (%rsp)
    call handle_trap
    fxrstor64 (%rsp)
2:  movq %rbx, %rsp
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
