# The kernel's entry, in 32-bit protected mode without paging, as the PVH boot protocol says: flat
# segments, interrupts off, %ebx points at the start-of-day structure. It goes to 64-bit mode and calls
# `machine_start(start_info)`.
#
# Until the memory's size has been checked only the first pages of the image are touched, .boot.text and
# .boot.data: a loader may have put the rest where no memory is.

.set START_INFO_MODULE_COUNT, 12
.set START_INFO_MODULES, 16
.set START_INFO_MEMORY_MAP, 40
.set START_INFO_MEMORY_MAP_ENTRIES, 48
.set MODULE_SIZE, 8

.set CPUID_EXTENDED_MAX, 0x80000000
.set CPUID_EXTENDED_FEATURES, 0x80000001
.set CPUID_NO_EXECUTE, 1 << 20          # in %edx
.set CPUID_LONG_MODE, 1 << 29           # in %edx

.set CR0_PROTECTION_ENABLE, 1 << 0
.set CR0_MONITOR_COPROCESSOR, 1 << 1
.set CR0_EMULATE_COPROCESSOR, 1 << 2
.set CR0_TASK_SWITCHED, 1 << 3
.set CR0_NUMERIC_ERROR, 1 << 5
.set CR0_WRITE_PROTECT, 1 << 16
.set CR0_PAGING, 1 << 31
.set CR4_PHYSICAL_ADDRESS_EXTENSION, 1 << 5
.set CR4_OSFXSR, 1 << 9                 # SSE and FXSAVE
.set CR4_OSXMMEXCPT, 1 << 10            # #XM instead of #UD
.set EFER, 0xc0000080                   # model-specific register
.set EFER_LONG_MODE_ENABLE, 1 << 8
.set EFER_NO_EXECUTE_ENABLE, 1 << 11

.set PAGE_PRESENT, 1 << 0
.set PAGE_WRITABLE, 1 << 1
.set PAGE_LARGE, 1 << 7                 # 2 MiB, in a page directory
.set MAPPED_GIB, 4

.set CODE64, 0x08
.set DATA, 0x10

# Where a PVH loader finds the entry: an ELF note of Xen, type 18 (XEN_ELFNOTE_PHYS32_ENTRY).
.pushsection .note.pvh, "a", @note
.balign 4
    .long 4, 8, 18                      # sizes of name and description, type
    .asciz "Xen"
    .quad _start
.popsection

.pushsection .boot.text, "ax", @progbits
.code32
.globl _start
.type _start, @function
_start:
    cli
    cld
    movl $boot_stack_end, %esp
    movl %ebx, %ebp
    call serial_init
    movl $text_no_start_info, %esi
    cmpl $START_MAGIC, (%ebp)
    jne boot_failure

    # The image with LLVM, its working memory and the bundle must fit. Stage 2, which has more modules than
    # the bundle, has looked itself, before it loaded anything.
    cmpl $1, START_INFO_MODULE_COUNT(%ebp)
    ja 5f
    movl $__minimum_memory_with_llvm, %ebx
    jb 1f
    movl START_INFO_MODULES(%ebp), %eax
    addl MODULE_SIZE(%eax), %ebx
1:  movl START_INFO_MEMORY_MAP(%ebp), %esi
    movl START_INFO_MEMORY_MAP_ENTRIES(%ebp), %ecx
    call find_memory_end
    cmpl %ebx, %eax
    jb fail_memory

5:  movl $CPUID_EXTENDED_MAX, %eax
    cpuid
    movl $text_no_long_mode, %esi
    cmpl $CPUID_EXTENDED_FEATURES, %eax
    jb boot_failure
    movl $CPUID_EXTENDED_FEATURES, %eax
    cpuid
    testl $CPUID_LONG_MODE, %edx
    jz boot_failure
    testl $CPUID_NO_EXECUTE, %edx
    movl $text_no_execute_disable, %esi
    jz boot_failure

    # The first 4 GiB, each address mapped to itself, in 2 MiB pages: until the kernel has made its own
    # tables. The image has the tables as zeros.
    movl $(boot_pdpt + PAGE_PRESENT + PAGE_WRITABLE), boot_pml4
    movl $(boot_directories + PAGE_PRESENT + PAGE_WRITABLE), %eax
    xorl %ecx, %ecx
2:  movl %eax, boot_pdpt(, %ecx, 8)
    addl $4096, %eax
    incl %ecx
    cmpl $MAPPED_GIB, %ecx
    jne 2b
    movl $(PAGE_PRESENT + PAGE_WRITABLE + PAGE_LARGE), %eax
    xorl %ecx, %ecx
3:  movl %eax, boot_directories(, %ecx, 8)
    addl $0x200000, %eax
    incl %ecx
    cmpl $(MAPPED_GIB * 512), %ecx
    jne 3b

    # To 64-bit mode in the order of the Intel manual, volume 3, section 10.8.5: PAE, the tables, long
    # mode enabled, then paging, which activates it, then a 64-bit code segment.
    movl %cr4, %eax
    orl $(CR4_PHYSICAL_ADDRESS_EXTENSION + CR4_OSFXSR + CR4_OSXMMEXCPT), %eax
    movl %eax, %cr4
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $(EFER_LONG_MODE_ENABLE + EFER_NO_EXECUTE_ENABLE), %eax
    wrmsr
    movl %cr0, %eax
    andl $~(CR0_EMULATE_COPROCESSOR + CR0_TASK_SWITCHED), %eax
    orl $(CR0_PROTECTION_ENABLE + CR0_MONITOR_COPROCESSOR + CR0_NUMERIC_ERROR), %eax
    orl $(CR0_WRITE_PROTECT + CR0_PAGING), %eax
    movl %eax, %cr0                     # 32-bit compatibility mode from here
    lgdt boot_gdt_pointer
    ljmpl $CODE64, $4f                  # 64-bit mode from here
.code64
4:  movw $DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss

    # A loader may have left anything in the memory that the image has no bytes for.
    movl $__bss_start, %edi
    movl $__bss_end, %ecx
    subl %edi, %ecx
    xorl %eax, %eax
    rep stosb

    movl $early_stack_end, %esp
    movl %ebp, %edi
    xorl %ebp, %ebp                     # the end of every backtrace
    call machine_start
    ud2

.code32
boot_failure:
    movl $code_boot_failure, %edi
    jmp fail

# Writes to the text screen's memory, white on red, from its first line on.
.set SCREEN, 0xb8000
.set SCREEN_COLUMNS, 80
screen_write:
    pushal
    movl screen_cursor, %ebx
    cmpb $'\n', %al
    je 1f
    movb $0x4f, %ah
    movw %ax, SCREEN(, %ebx, 2)
    incl %ebx
    cmpl $(SCREEN_COLUMNS * 25), %ebx
    jb 2f
1:  xorl %ebx, %ebx
2:  movl %ebx, screen_cursor
    popal
    ret

