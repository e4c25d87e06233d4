# The second processor's way from its reset to `second_main`. The first part is copied to a page below 1 MiB, where the
# start-up interrupt sends it in real mode (Intel SDM volume 3, section 9.4.4). The rest lies in the kernel's code,
# whose addresses are physical addresses: so paging can be switched on in it.

.set SECOND_CR0_PROTECTION_ENABLE, 1 << 0
# Protection, monitor coprocessor, numeric errors, write protection, paging. Caches on, no emulation.
.set SECOND_CR0, 1 << 0 | 1 << 1 | 1 << 5 | 1 << 16 | 1 << 31
# Physical address extension, FXSAVE, exceptions of SSE.
.set SECOND_CR4, 1 << 5 | 1 << 9 | 1 << 10
.set SECOND_EFER, 0xc0000080            # model-specific register
.set SECOND_EFER_BITS, 1 << 8 | 1 << 11 # long mode, no-execute
.set SECOND_CODE32, 0x08
.set SECOND_CODE64, 0x10
.set SECOND_DATA, 0x18

.pushsection .rodata.second, "a", @progbits
.code16
.globl second_real_mode, second_real_mode_end
second_real_mode:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl second_table_pointer - second_real_mode
    movl %cr0, %eax
    orl $SECOND_CR0_PROTECTION_ENABLE, %eax
    movl %eax, %cr0
    ljmpl $SECOND_CODE32, $second_protected_mode
second_table_pointer:
    .word second_table_end - second_table - 1
    .long second_table
second_real_mode_end:
.popsection

.pushsection .text.second, "ax", @progbits
.balign 8
# Of segments that are marked as accessed: the processor does not write here.
second_table:
    .quad 0
    .quad 0x00cf9b000000ffff            # CODE32: ring 0, execute and read
    .quad 0x00af9b000000ffff            # CODE64: ring 0, execute and read, long mode
    .quad 0x00cf93000000ffff            # DATA: ring 0, read and write
second_table_end:

.code32
second_protected_mode:
    movw $SECOND_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    # Without paging, so these are the first processor's.
    movl second_orders, %ecx            # the tables; 0: it is to wait
    movl second_orders + 4, %esp
    movl second_orders + 8, %edi
    movl second_orders + 12, %esi
    lock incl second_answers
    testl %ecx, %ecx
    jz 2f
    movl $SECOND_CR4, %eax
    movl %eax, %cr4
    movl %ecx, %cr3
    movl $SECOND_EFER, %ecx
    rdmsr
    orl $SECOND_EFER_BITS, %eax
    wrmsr
    movl $SECOND_CR0, %eax
    movl %eax, %cr0                     # 32-bit compatibility mode from here
    ljmpl $SECOND_CODE64, $1f           # 64-bit mode from here
2:  hlt
    jmp 2b
.code64
1:  fninit
    movl %esp, %esp                     # the upper halves are undefined
    movl %edi, %edi
    movl %esi, %esi
    xorl %ebp, %ebp                     # the end of every backtrace
    call second_main
    ud2
.popsection
.code64
