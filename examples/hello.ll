; A program in LLVM's own language: a string, a loop with phi nodes, a call to the C library.
target triple = "x86_64-unknown-none-elf"

@format = private unnamed_addr constant [24 x i8] c"hello from LLVM IR: %d\0A\00"
@farewell = private unnamed_addr constant [8 x i8] c"goodbye\00"

declare i32 @printf(ptr nocapture readonly, ...)
declare i32 @puts(ptr nocapture readonly)

define i32 @main(i32 %argc, ptr %argv) {
entry:
  br label %loop

loop:
  %i = phi i32 [ 1, %entry ], [ %next, %loop ]
  %square = mul nsw i32 %i, %i
  call i32 (ptr, ...) @printf(ptr @format, i32 %square)
  %next = add nuw nsw i32 %i, 1
  %done = icmp eq i32 %next, 6
  br i1 %done, label %end, label %loop

end:
  call i32 @puts(ptr @farewell)
  ret i32 0
}
