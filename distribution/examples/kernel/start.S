/* From the PVH entry (Xen's "x86/HVM direct boot ABI": 32 bits, no paging, flat segments) to 64 bits with SSE. */
#define CR0_MP (1 << 1)
#define CR0_EM (1 << 2)
#define CR0_PG (1 << 31)
#define CR4_PAE (1 << 5)
#define CR4_OSFXSR (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define PAGE_PRESENT_WRITABLE 3
#define PAGE_LARGE 0x80
#define CODE_SELECTOR 8
#define DATA_SELECTOR 16
#define STACK_BYTES 0x1000000

/* XEN_ELFNOTE_PHYS32_ENTRY: where a loader jumps to. */
.section .note.pvh, "a", @note
  .balign 4
  .long 4, 4, 18
  .asciz "Xen"
  .long _start

.section .boot, "ax"
.code32
.globl _start
_start:
  cli
  cld
  /* The first GiB at its own addresses, in pages of 2 MiB. */
  movl $(pointers + PAGE_PRESENT_WRITABLE), tables
  movl $(directory + PAGE_PRESENT_WRITABLE), pointers
  xorl %ecx, %ecx
1:
  movl %ecx, %eax
  shll $21, %eax
  orl $(PAGE_LARGE | PAGE_PRESENT_WRITABLE), %eax
  movl %eax, directory(, %ecx, 8)
  incl %ecx
  cmpl $512, %ecx
  jne 1b
  movl $tables, %eax
  movl %eax, %cr3

  movl %cr4, %eax
  orl $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
  movl %eax, %cr4
  movl $MSR_EFER, %ecx
  rdmsr
  orl $EFER_LME, %eax
  wrmsr
  movl %cr0, %eax
  andl $~CR0_EM, %eax
  orl $(CR0_PG | CR0_MP), %eax
  movl %eax, %cr0
  lgdt segments_pointer
  ljmp $CODE_SELECTOR, $in_64_bits

.code64
in_64_bits:
  movl $DATA_SELECTOR, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movl $stack_top, %esp
  xorl %ebp, %ebp
  call machine_start
  ud2

.balign 8
segments:
  .quad 0
  .quad 0x00af9a000000ffff /* code of 64 bits */
  .quad 0x00cf92000000ffff /* data */
segments_pointer:
  .word . - segments - 1
  .long segments

.bss
.balign 4096
tables:
  .skip 4096
pointers:
  .skip 4096
directory:
  .skip 4096
/* LLVM recurses deeply. */
  .skip STACK_BYTES
stack_top:
