
text_no_start_info:
    .asciz "the kernel was not started by stage 2 or a PVH loader"
text_no_long_mode:
    .asciz "this processor has no 64-bit mode"
text_no_execute_disable:
    .asciz "this processor cannot forbid the execution of data"

.balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            # CODE64: ring 0, execute and read, long mode
    .quad 0x00cf93000000ffff            # DATA: ring 0, read and write
    .quad 0x00cf9b000000ffff            # CODE32, for reload.S: ring 0, execute and read
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .quad boot_gdt
.size _start, . - _start
.popsection

.pushsection .boot.data, "aw", @progbits
.balign 4096
boot_pml4:
    .fill 4096
boot_pdpt:
    .fill 4096
boot_directories:
    .fill 4096 * MAPPED_GIB
    .fill 4000
boot_stack_end:
screen_cursor:
    .long 0
.popsection

# The stack of `machine_start`, which moves to one with a guard page.
.pushsection .bss.early_stack, "aw", @nobits
.balign 16
    .skip 32768
early_stack_end:
.popsection
.code64
