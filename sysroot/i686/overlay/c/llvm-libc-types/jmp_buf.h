// What a called function keeps, and where it returns to. llvm-libc 18 has no type for this processor.
#ifndef __LLVM_LIBC_TYPES_JMP_BUF_H__
#define __LLVM_LIBC_TYPES_JMP_BUF_H__

typedef struct {
  __UINT32_TYPE__ ebx;
  __UINT32_TYPE__ esi;
  __UINT32_TYPE__ edi;
  __UINT32_TYPE__ ebp;
  __UINTPTR_TYPE__ esp;
  __UINTPTR_TYPE__ eip;
} __jmp_buf;

typedef __jmp_buf jmp_buf[1];

#endif
