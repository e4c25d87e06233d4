# `reload_by_bios`: back to stage 2, which loads everything once more, with LLVM, by the BIOS.
#
# It works while the interrupt controllers and the timer are as the BIOS left them, and on a stack that lies
# at its own physical address.

.set RELOAD_ENTRY, 0x7e08               # in stage 2
.set CODE32, 0x18

.pushsection .text.reload, "ax", @progbits
.code64
.globl reload_by_bios
.type reload_by_bios, @function
reload_by_bios:
    cli
    movl $boot_pml4, %eax
    movq %rax, %cr3                     # the entry's tables: all below 4 GiB where it is
    lgdt boot_gdt_pointer
    pushq $CODE32
    pushq $1f
    lretq                               # to 32-bit compatibility mode
.code32
1:  movw $DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl %cr0, %eax
    andl $~CR0_PAGING, %eax
    movl %eax, %cr0                     # to 32-bit protected mode
    movl $EFER, %ecx
    rdmsr
    andl $~(EFER_LONG_MODE_ENABLE + EFER_NO_EXECUTE_ENABLE), %eax
    wrmsr
    xorl %eax, %eax
    movl %eax, %cr4
    movl $RELOAD_ENTRY, %eax
    jmp *%eax
.size reload_by_bios, . - reload_by_bios
.popsection
.code64
