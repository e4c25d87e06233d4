# What upstream's file does for projects beside LLVM: the language's version. Flags come from the toolchain file.
include_guard()
if(NOT CMAKE_CXX_STANDARD)
  set(CMAKE_CXX_STANDARD 17)
  set(CMAKE_CXX_STANDARD_REQUIRED ON)
endif()
