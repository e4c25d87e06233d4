# Stage 1: the master boot record's code. The BIOS loads it to 0x7C00 and jumps to it in real mode with
# the drive's number in %dl. It loads stage 2 and has a message for everything that can go wrong.
#
# The first 440 bytes of the sector are this code; the disk's signature, the partition table and the
# mark 0x55AA follow (written by `cargo xtask image`).

.include "definitions.S"

.set STAGE2_ADDRESS, 0x7e00
.set STAGE2_SECTORS, STAGE2_BYTES / SECTOR_BYTES

.section .text
.code16
.globl stage1
stage1:
    # Some BIOSes start at 07C0:0000: make %cs zero like all the others.
    ljmp $0, $1f
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    cli
    movw %ax, %ss
    movw $0x7c00, %sp
    sti
    cld
    movb %dl, drive

    # COM1 for the message, COM2 for the report to the host: 9,600 baud, 8 bits, no parity.
    xorw %dx, %dx
    movw $0x00e3, %ax
    int $0x14
    incw %dx
    movw $0x00e3, %ax
    int $0x14

    # INT 13h extensions: the BIOS answers with the mark's bytes swapped.
    movb $0x41, %ah
    movw $0x55aa, %bx
    movb drive, %dl
    int $0x13
    movw $text_no_extensions, %si
    jc fail
    cmpw $0xaa55, %bx
    jne fail
    testb $1, %cl                       # packet access
    jz fail

    movw $3, %di                        # attempts
2:  movw $STAGE2_SECTORS, packet_count  # a failed read leaves there what it has read
    movw $packet, %si
    movb $0x42, %ah
    movb drive, %dl
    int $0x13
    jnc 3f
    movb %ah, status
    xorw %ax, %ax                       # reset the drive
    movb drive, %dl
    int $0x13
    decw %di
    jnz 2b
    movb status, %al
    shrb $4, %al
    call hex_digit
    movb %al, text_status
    movb status, %al
    andb $15, %al
    call hex_digit
    movb %al, text_status + 1
    movw $text_read_error, %si
    jmp fail

3:  movw $text_no_stage2, %si
    cmpl $STAGE2_MARK, STAGE2_ADDRESS + STAGE2_SECTORS * 512 - 4
    jne fail
    # The sum of its words, rotated by one bit before each, is zero.
    movw $STAGE2_ADDRESS, %si
    movw $(STAGE2_SECTORS * 128), %cx
    xorl %edx, %edx
4:  lodsl
    roll %edx
    addl %eax, %edx
    loop 4b
    testl %edx, %edx
    movw $text_damaged, %si
    jnz fail
    movb drive, %dl
    ljmp $0, $STAGE2_ADDRESS

hex_digit:
    cmpb $10, %al
    jb 1f
    addb $('a' - '0' - 10), %al
1:  addb $'0', %al
    ret

# Ends with the message at %si.
fail:
    pushw %si
    movw $text_error, %si
    call print
    popw %si
    call print
    movw $text_end, %si
    call print
    movw $text_exit, %si
4:  lodsb
    testb %al, %al
    jz 5f
    movb $1, %ah
    movw $1, %dx                        # COM2
    int $0x14
    jmp 4b
5:  movb $0x10, %al
    outb %al, $DEBUG_EXIT_PORT
    cli
6:  hlt
    jmp 6b

# Prints the text at %si on the screen and on COM1.
print:
    lodsb
    testb %al, %al
    jz 7f
    pushw %ax
    movb $0x0e, %ah                     # teletype
    movw $7, %bx
    int $0x10
    popw %ax
    movb $1, %ah
    xorw %dx, %dx
    int $0x14
    jmp print
7:  ret

# The disk address packet of INT 13h, function 42h.
.balign 4
packet:
    .byte 16, 0
packet_count:
    .word 0
    .word STAGE2_ADDRESS, 0             # offset, segment
    .quad STAGE2_SECTOR

text_error:
    .asciz "bareflow: error: "
text_no_extensions:
    .asciz "the BIOS has no INT 13h extensions"
text_read_error:
    .ascii "disk read error, status 0x"
text_status:
    .asciz "00"
text_no_stage2:
    .asciz "there is no stage 2"
text_damaged:
    .asciz "stage 2 is damaged"
text_end:
    .asciz "\r\n"
text_exit:
    ascii_report_exit
    ascii_boot_failure
    .asciz "\n"
drive:
    .byte 0
status:
    .byte 0
