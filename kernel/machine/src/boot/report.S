# Messages of the start-up code, and the machine's end.
#
# Assembled twice: as 16-bit code into stage 2 and as 32-bit code into the kernel's entry, so it uses
# 32-bit registers only and no stack arguments. Whoever includes it supplies `screen_write`, which shows
# the character in %al and preserves every other register.

.set COM1, 0x3f8                        # the log
.set COM2, 0x2f8                        # the report to the host
.set UART_INTERRUPT_ENABLE, 1
.set UART_FIFO_CONTROL, 2
.set UART_LINE_CONTROL, 3
.set UART_MODEM_CONTROL, 4
.set UART_LINE_STATUS, 5
.set UART_DIVISOR_LATCH, 0x80           # in the line control register
.set UART_8_BITS, 0x03                  # 8 bits, no parity, 1 stop bit
.set UART_TRANSMITTER_EMPTY, 0x20       # in the line status register

# Sets both ports to 115,200 baud, 8N1.
serial_init:
    movw $COM1, %dx
    call 1f
    movw $COM2, %dx
1:  pushl %edx
    addw $UART_INTERRUPT_ENABLE, %dx
    xorb %al, %al
    outb %al, %dx
    addw $(UART_LINE_CONTROL - UART_INTERRUPT_ENABLE), %dx
    movb $UART_DIVISOR_LATCH, %al
    outb %al, %dx
    popl %edx
    pushl %edx
    movb $1, %al                        # 115,200 / 1
    outb %al, %dx
    incw %dx
    xorb %al, %al
    outb %al, %dx
    addw $(UART_LINE_CONTROL - 1), %dx
    movb $UART_8_BITS, %al
    outb %al, %dx
    decw %dx                            # UART_FIFO_CONTROL
    movb $0x07, %al                     # enable and clear the FIFOs
    outb %al, %dx
    addw $(UART_MODEM_CONTROL - UART_FIFO_CONTROL), %dx
    movb $0x03, %al                     # DTR and RTS
    outb %al, %dx
    popl %edx
    ret

# Sends %al to the port in %dx. A port that does not exist costs a bounded wait. Preserves all registers.
serial_write:
    pushl %eax
    pushl %ecx
    pushl %edx
    movb %al, %ah
    addw $UART_LINE_STATUS, %dx
    movl $100000, %ecx
1:  inb %dx, %al
    testb $UART_TRANSMITTER_EMPTY, %al
    jnz 2f
    decl %ecx
    jnz 1b
2:  subw $UART_LINE_STATUS, %dx
    movb %ah, %al
    outb %al, %dx
    popl %edx
    popl %ecx
    popl %eax
    ret

# Shows %al on the screen and in the log. Preserves all registers.
print_byte:
    pushl %edx
    movw $COM1, %dx
    call serial_write
    call screen_write
    popl %edx
    ret

# Prints the text at %esi, which ends with a zero; %esi is then behind it.
print_text:
    pushl %eax
1:  movb (%esi), %al
    incl %esi
    testb %al, %al
    jz 2f
    call print_byte
    jmp 1b
2:  popl %eax
    ret

# Prints %eax in decimal. Changes %eax, %ecx and %edx.
print_number:
    movl $10, %ecx
    xorl %edx, %edx
    divl %ecx
    pushl %edx
    testl %eax, %eax
    jz 1f
    call print_number
1:  popl %eax
    addb $'0', %al
    jmp print_byte

# Ends with the message at %esi and the exit code whose digits are at %edi.
fail:
    pushl %esi
    movl $text_error, %esi
    call print_text
    popl %esi
    call print_text
fail_after_message:
    movb $'\n', %al
    call print_byte
    movw $COM2, %dx
    movl $text_exit, %esi
    call 1f
    movl %edi, %esi
    call 1f
    movb $'\n', %al
    call serial_write
    movw $DEBUG_EXIT_PORT, %dx
    movl $DEBUG_EXIT_VALUE, %eax
    outl %eax, %dx
    cli
2:  hlt
    jmp 2b
1:  movb (%esi), %al
    incl %esi
    testb %al, %al
    jz 3f
    call serial_write
    jmp 1b
3:  ret

# Ends with the plain word about memory: %eax is the end of the memory, %ebx the end that is needed.
fail_memory:
    pushl %ebx
    pushl %eax
    movl $text_error, %esi
    call print_text
    call print_text                     # text_memory_has
    popl %eax
    call 1f
    call print_text                     # text_memory_needs
    popl %eax
    call 1f
    call print_text                     # text_memory_end
    movl $code_out_of_memory, %edi
    jmp fail_after_message
1:  addl $0xfffff, %eax                 # bytes to whole MiB
    shrl $20, %eax
    jmp print_number

# The end of the usable memory that begins at or below 1 MiB and reaches beyond: in %eax, at most
# 0xfff00000, or 0. %esi is the memory map, %ecx its number of entries, each laid out as E820 says
# (ACPI 6.5, section 15): base (8 bytes), size (8), type (4), attributes (4).
.set MEMORY_MAP_ENTRY_BYTES, 24
.set MEMORY_USABLE, 1
find_memory_end:
    xorl %eax, %eax
    testl %ecx, %ecx
    jz 3f
1:  cmpl $MEMORY_USABLE, 16(%esi)
    jne 2f
    cmpl $0, 4(%esi)
    jne 2f
    movl (%esi), %edx
    cmpl $0x100000, %edx
    ja 2f
    cmpl $0, 12(%esi)
    jne 4f
    addl 8(%esi), %edx
    jc 4f
    cmpl $0x100000, %edx
    jbe 2f
    movl %edx, %eax
2:  addl $MEMORY_MAP_ENTRY_BYTES, %esi
    decl %ecx
    jnz 1b
3:  cmpl $0xfff00000, %eax
    jbe 5f
4:  movl $0xfff00000, %eax
5:  ret

text_error:
    .asciz "bareflow: error: "
text_memory_has:                        # fail_memory relies on this order
    .asciz "this machine has "
text_memory_needs:
    .asciz " MiB of memory; at least "
text_memory_end:
    .asciz " MiB are needed"
text_exit:
    ascii_report_exit
    .byte 0
code_out_of_memory:
    ascii_out_of_memory
    .byte 0
code_boot_failure:
    ascii_boot_failure
    .byte 0
