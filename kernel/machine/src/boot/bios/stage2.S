# Stage 2, at 0x7E00: opens the A20 gate, asks the BIOS for the memory map, loads the kernel and the
# bundle from the first partition, checks both, and starts the kernel at its 32-bit entry with the
# start-of-day structure of the PVH boot protocol, so that the kernel has one entry and one format.
#
# LLVM and the program's files stay on the disk. A kernel that has no driver for the disk comes back, to
# `reload`; then all is loaded once more, with LLVM and the files, and the kernel starts anew.
#
# Memory while it runs:
#   below 0x7C00    stack
#   0x7C00          the master boot record with the partition table
#   0x7E00          stage 2
#   0x8E00          the header
#   0x9000          start info, module list, command line, memory map: what the kernel reads
#   0x10000         64 KiB, where the BIOS reads to
#   0x100000        the kernel, then the bundle, then LLVM's table, LLVM and the files if they are loaded
#
# The header that it reads, which goes to BUFFER and then to `header`, is described in kernel/boot-layout.

.include "definitions.S"

.set PARTITION_START, 0x7c00 + 446 + 8  # first partition's entry, first sector
.set header, 0x8e00
.set START_INFO, 0x9000
.set MODULE_LIST, 0x9040
.set COMMAND_LINE, 0x90c0
.set MEMORY_MAP, 0x9100
.set MEMORY_MAP_LIMIT, 160
.set BUFFER, 0x10000
.set BUFFER_SECTORS, 127                # the most that every BIOS reads at once
.set SECTORS_LIMIT, 0x600000            # 3 GiB
.set RELOAD_OFFSET, 8                   # reload.S jumps there

# The module list: the bundle, the header's sector, and LLVM with its table and the files if they are loaded.
.set MODULE_BYTES, 32
.set MODULE_SIZE, 8
.set MODULE_NAME, 16
.set MODULE_COUNT, START_INFO + 12


.set CR0_PROTECTION_ENABLE, 1
.set CODE32, 0x08
.set DATA32, 0x10
.set CODE16, 0x18
.set DATA16, 0x20

.section .text
.code16
.globl stage2
stage2:
    jmp start

# The kernel comes here in 32-bit protected mode without paging, with flat segments and interrupts off. It
# has left the memory below 1 MiB, the interrupt controllers and the timer as they were.
.org RELOAD_OFFSET
.code32
    lgdt gdt_pointer
    ljmpl $CODE16, $1f                  # to 16-bit protected mode: segments with real mode's limits
.code16
1:  movw $DATA16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    lidt real_mode_vectors
    movl %cr0, %eax
    andl $~CR0_PROTECTION_ENABLE, %eax
    movl %eax, %cr0
    ljmpl $0, $2f                       # to real mode
2:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x7c00, %esp
    sti
    movl header + HEADER_LLVM_TABLE_SECTORS, %ebx
    addl header + HEADER_LLVM_SECTORS, %ebx
    addl header + HEADER_FILES_SECTORS, %ebx
    cmpl $SECTORS_LIMIT, %ebx
    jbe 3f
    movl $SECTORS_LIMIT, %ebx           # no machine has them, and bytes are counted in 32 bits
3:  shll $9, %ebx                       # sectors to bytes
    call check_memory
    movl PARTITION_START, %eax
    incl %eax                           # behind the header
    movl %eax, packet_sector
    call load_kernel_and_bundle
    movl $text_llvm, %ebp
    movl header + HEADER_LLVM_ADDRESS, %edi
    movl header + HEADER_LLVM_TABLE_SECTORS, %ecx
    addl header + HEADER_LLVM_SECTORS, %ecx
    movl $(header + HEADER_LLVM_SUMS), %ebx
    call load
    movl header + HEADER_FILES_SECTORS, %ecx
    call transfer                       # the kernel checks them when they are read
    call write_start_info
    addl $2, MODULE_COUNT
    movl $name_llvm, MODULE_LIST + 2 * MODULE_BYTES + MODULE_NAME
    movl $name_files, MODULE_LIST + 3 * MODULE_BYTES + MODULE_NAME
    movl header + HEADER_LLVM_ADDRESS, %eax
    movl %eax, MODULE_LIST + 2 * MODULE_BYTES
    movl header + HEADER_LLVM_TABLE_SECTORS, %ecx
    addl header + HEADER_LLVM_SECTORS, %ecx
    shll $9, %ecx
    movl %ecx, MODULE_LIST + 2 * MODULE_BYTES + MODULE_SIZE
    addl %ecx, %eax
    movl %eax, MODULE_LIST + 3 * MODULE_BYTES
    movl header + HEADER_FILES_SECTORS, %eax
    shll $9, %eax
    movl %eax, MODULE_LIST + 3 * MODULE_BYTES + MODULE_SIZE
    jmp start_kernel

start:
    movl $0x7c00, %esp
    movb %dl, drive
    call serial_init
    call open_a20
    call read_memory_map
    call read_header
    xorl %ebx, %ebx
    call check_memory
    call load_kernel_and_bundle
    call write_start_info

start_kernel:
    # Real mode to 32-bit protected mode, without paging: what the PVH protocol promises the kernel.
    cli
    lgdt gdt_pointer
    movl %cr0, %eax
    orl $CR0_PROTECTION_ENABLE, %eax
    movl %eax, %cr0
    ljmpl $CODE32, $enter_kernel

load_kernel_and_bundle:
    movl $text_kernel, %ebp
    movl header + HEADER_LOAD_ADDRESS, %edi
    movl header + HEADER_KERNEL_SECTORS, %ecx
    movl $(header + HEADER_KERNEL_SUMS), %ebx
    call load
    movl $text_bundle, %ebp
    movl header + HEADER_BUNDLE_ADDRESS, %edi
    movl header + HEADER_BUNDLE_SECTORS, %ecx
    movl $(header + HEADER_BUNDLE_SUMS), %ebx
    jmp load

# --- A20 -------------------------------------------------------------------------------------------

# The BIOS, the keyboard controller and the fast gate are tried in turn, each only if still needed.
open_a20:
    call a20_is_open
    jne 1f
    movw $0x2401, %ax
    int $0x15
    call a20_is_open
    jne 1f
    call open_a20_by_keyboard_controller
    call a20_is_open
    jne 1f
    inb $0x92, %al
    orb $2, %al
    andb $0xfe, %al                     # bit 0 resets the machine
    outb %al, $0x92
    call a20_is_open
    jne 1f
    movl $text_a20, %esi
    jmp boot_failure
1:  ret

# Clears ZF if an address above 1 MiB is not the same memory as the one 1 MiB lower.
a20_is_open:
    movw $0xffff, %ax
    movw %ax, %fs
    movl stage2, %eax
    xorl $0xffffffff, stage2
    cmpl %fs:(stage2 + 0x10), %eax      # if it follows the change, it is the same memory
    movl %eax, stage2
    je 1f                               # it kept the old value: it may be a copy of the same bytes
    cmpl %fs:(stage2 + 0x10), %eax
    ret
1:  orb $1, %al                         # the change did not show: not the same memory
    ret

open_a20_by_keyboard_controller:
    cli
    call wait_for_keyboard_controller
    movb $0xd1, %al                     # write the output port
    outb %al, $0x64
    call wait_for_keyboard_controller
    movb $0xdf, %al                     # A20 open
    outb %al, $0x60
    call wait_for_keyboard_controller
    sti
    ret

wait_for_keyboard_controller:
    movl $100000, %ecx
1:  inb $0x64, %al
    testb $2, %al                       # input buffer full
    jz 2f
    decl %ecx
    jnz 1b
2:  ret

# --- Memory ----------------------------------------------------------------------------------------

# INT 15h, function E820h.
read_memory_map:
    xorl %ebx, %ebx
    movw $MEMORY_MAP, %di
1:  movl $0xe820, %eax
    movl $0x534d4150, %edx              # "SMAP"
    movl $MEMORY_MAP_ENTRY_BYTES, %ecx
    movl $1, 20(%di)                    # a BIOS that gives 20 bytes means a valid entry
    int $0x15
    jc 2f                               # some BIOSes say so after the last entry
    cmpl $0x534d4150, %eax
    jne 2f
    addw $MEMORY_MAP_ENTRY_BYTES, %di
    incl memory_map_entries
    cmpl $MEMORY_MAP_LIMIT, memory_map_entries
    je 2f
    testl %ebx, %ebx
    jnz 1b
2:  cmpl $0, memory_map_entries
    jne 3f
    movl $text_memory_map, %esi
    jmp boot_failure
3:  ret

# Is there what the header says and %ebx bytes more?
check_memory:
    movl $MEMORY_MAP, %esi
    movl memory_map_entries, %ecx
    call find_memory_end
    addl header + HEADER_MEMORY_END, %ebx
    jc fail_memory
    cmpl %ebx, %eax
    jb fail_memory
    ret

# --- Disk ------------------------------------------------------------------------------------------

# Reads the partition's first sector and checks it.
read_header:
    movl PARTITION_START, %eax
    movl %eax, packet_sector
    movw $1, count
    call read
    pushw %ds
    movw $(BUFFER >> 4), %ax
    movw %ax, %ds
    xorw %si, %si
    movw $header, %di
    movw $(SECTOR_BYTES / 4), %cx
    rep movsl
    popw %ds

    movl $text_signature, %esi
    cmpl $HEADER_SIGNATURE_VALUE, header
    jne boot_failure
    movl $text_version, %esi
    cmpl $HEADER_VERSION_VALUE, header + HEADER_VERSION
    jne boot_failure
    xorl %eax, %eax
    xorl %edx, %edx
    movw $header, %si
1:  addl (%si), %eax
    addl %eax, %edx
    addw $4, %si
    cmpw $(header + HEADER_SUMS), %si
    jne 1b
    movl $text_header, %esi
    cmpl %eax, header + HEADER_SUMS
    jne boot_failure
    cmpl %edx, header + HEADER_SUMS + 4
    jne boot_failure
    ret

# Loads %ecx sectors from packet_sector on to %edi; their sums must be those at %ebx; %ebp names them.
load:
    movl %edi, destination
    movl $0, sum_low
    movl $0, sum_high
    call transfer
    movl sum_low, %eax
    cmpl %eax, (%bx)
    jne 1f
    movl sum_high, %eax
    cmpl %eax, 4(%bx)
    jne 1f
    ret
1:  movl $text_error, %esi
    call print_text
    movl %ebp, %esi
    call print_text
    movl $text_damaged, %esi
    call print_text
    movl $code_boot_failure, %edi
    jmp fail_after_message

# Copies %ecx sectors from packet_sector on to `destination`, which moves behind them, and adds them to the sums.
transfer:
    movl %ecx, sectors_left
1:  movl sectors_left, %eax
    testl %eax, %eax
    jz 3f
    cmpl $BUFFER_SECTORS, %eax
    jbe 2f
    movl $BUFFER_SECTORS, %eax
2:  movw %ax, count
    subl %eax, sectors_left
    call read
    call copy
    jmp 1b
3:  ret

# Reads `count` sectors from packet_sector on to BUFFER and moves packet_sector behind them.
read:
    pushal
    movw $3, attempts
1:  movw count, %ax                     # a failed read leaves in the packet what it has read
    movw %ax, packet_count
    movw $packet, %si
    movb $0x42, %ah
    movb drive, %dl
    int $0x13
    jnc 2f
    movb %ah, status
    xorw %ax, %ax                       # reset the drive
    movb drive, %dl
    int $0x13
    decw attempts
    jnz 1b
    movl $text_error, %esi
    call print_text
    movl $text_read_error, %esi
    call print_text
    movl packet_sector, %eax
    call print_number
    movl $text_read_status, %esi
    call print_text
    movzbl status, %eax
    call print_number
    movl $code_boot_failure, %edi
    jmp fail_after_message
2:  movzwl count, %eax
    addl %eax, packet_sector
    popal
    ret

# Copies what was read to `destination`, which lies above 1 MiB, adding it to the sums: in 32-bit
# protected mode, because real mode cannot address it. Nothing is pushed in between.
copy:
    pushal
    cli
    lgdt gdt_pointer
    movl %cr0, %eax
    orl $CR0_PROTECTION_ENABLE, %eax
    movl %eax, %cr0
    ljmpl $CODE32, $1f                  # to 32-bit protected mode
.code32
1:  movw $DATA32, %ax
    movw %ax, %ds
    movl $BUFFER, %esi
    movl destination, %edi
    movzwl count, %ecx
    shll $7, %ecx                       # sectors to 32-bit words
    movl sum_low, %eax
    movl sum_high, %edx
2:  movl (%esi), %ebx
    movl %ebx, (%edi)
    addl %ebx, %eax
    addl %eax, %edx
    addl $4, %esi
    addl $4, %edi
    decl %ecx
    jnz 2b
    movl %eax, sum_low
    movl %edx, sum_high
    movl %edi, destination
    ljmpl $CODE16, $3f                  # to 16-bit protected mode: segments with real mode's limits
.code16
3:  movw $DATA16, %ax
    movw %ax, %ds
    movl %cr0, %eax
    andl $~CR0_PROTECTION_ENABLE, %eax
    movl %eax, %cr0
    ljmpl $0, $4f                       # to real mode
4:  xorw %ax, %ax
    movw %ax, %ds
    sti
    popal
    ret

# --- The kernel's start ----------------------------------------------------------------------------

# The start-of-day structure (hvm_start_info, version 1) with two modules, the bundle and the header, each with its
# name as its command line, and a command line.
write_start_info:
    movw $START_INFO, %di
    xorl %eax, %eax
    movw $((MEMORY_MAP - START_INFO) / 4), %cx
    rep stosl
    movl $START_MAGIC, START_INFO
    movl $1, START_INFO + 4             # version
    movl $2, MODULE_COUNT
    movl $MODULE_LIST, START_INFO + 16
    movl $COMMAND_LINE, START_INFO + 24
    movl $MEMORY_MAP, START_INFO + 40
    movl memory_map_entries, %eax
    movl %eax, START_INFO + 48
    movl header + HEADER_BUNDLE_ADDRESS, %eax
    movl %eax, MODULE_LIST
    movl header + HEADER_BUNDLE_BYTES, %eax
    movl %eax, MODULE_LIST + MODULE_SIZE
    movl $header, MODULE_LIST + MODULE_BYTES
    movl $SECTOR_BYTES, MODULE_LIST + MODULE_BYTES + MODULE_SIZE
    movl $name_bundle, MODULE_LIST + MODULE_NAME
    movl $name_header, MODULE_LIST + MODULE_BYTES + MODULE_NAME
    # "drive=NNN": the BIOS's number of the drive, three decimal digits.
    movw $text_drive, %si
    movw $COMMAND_LINE, %di
    movw $(text_drive_end - text_drive), %cx
    rep movsb
    movb drive, %al
    movb $100, %cl
    call 1f
    movb $10, %cl
    call 1f
    movb $1, %cl
1:  xorb %ah, %ah
    divb %cl
    addb $'0', %al
    stosb
    movb %ah, %al
    ret

.code32
enter_kernel:
    movw $DATA32, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movl $START_INFO, %ebx
    jmp *header + HEADER_ENTRY

# --- Messages --------------------------------------------------------------------------------------
.code16
boot_failure:
    movl $code_boot_failure, %edi
    jmp fail

screen_write:
    pushal
    cmpb $'\n', %al
    jne 1f
    movw $0x0e0d, %ax
    int $0x10
    movb $'\n', %al
1:  movb $0x0e, %ah                     # teletype
    movw $7, %bx
    int $0x10
    popal
    ret

.include "report.S"

text_a20:
    .asciz "the A20 gate cannot be opened"
text_memory_map:
    .asciz "the BIOS gives no memory map (INT 15h, E820h)"
text_signature:
    .asciz "the boot partition has a wrong signature: FLUD is expected"
text_version:
    .asciz "the kernel's header has an unknown version"
text_header:
    .asciz "the kernel's header is damaged: its checksum is wrong"
text_kernel:
    .asciz "the kernel"
text_bundle:
    .asciz "the program"
text_llvm:
    .asciz "LLVM"
text_damaged:
    .asciz " on the disk is damaged: its checksum is wrong"
text_read_error:
    .asciz "disk read error at sector "
text_read_status:
    .asciz ", status "
text_drive:
    ascii_drive
text_drive_end:
name_bundle:
    ascii_module_bundle
    .byte 0
name_header:
    ascii_module_header
    .byte 0
name_llvm:
    ascii_module_llvm
    .byte 0
name_files:
    ascii_module_files
    .byte 0

.balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff            # CODE32: base 0, 4 GiB, ring 0, execute and read
    .quad 0x00cf93000000ffff            # DATA32: base 0, 4 GiB, ring 0, read and write
    .quad 0x00009b000000ffff            # CODE16: base 0, 64 KiB
    .quad 0x000093000000ffff            # DATA16: base 0, 64 KiB
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt

# Real mode's vectors: from address 0 on.
real_mode_vectors:
    .word 0x3ff
    .long 0

# The disk address packet of INT 13h, function 42h.
.balign 4
packet:
    .byte 16, 0
packet_count:
    .word 0
    .word 0, BUFFER >> 4                # offset, segment
packet_sector:
    .quad 0

memory_map_entries:
    .long 0
destination:
    .long 0
sectors_left:
    .long 0
sum_low:
    .long 0
sum_high:
    .long 0
count:
    .word 0
attempts:
    .word 0
drive:
    .byte 0
status:
    .byte 0

# What makes the sum over the stage zero: `cargo xtask image` puts it here.
.org STAGE2_BYTES - 8
    .long 0
    .long STAGE2_MARK
