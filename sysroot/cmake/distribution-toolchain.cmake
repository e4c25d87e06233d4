# Builds against the distribution: cmake -DCMAKE_TOOLCHAIN_FILE=DIST/share/bareflow/toolchain.cmake
#
# Compilers are clang's, of the machine; BAREFLOW_CLANG_SUFFIX ("-16") picks a version.
set(CMAKE_SYSTEM_NAME BareFlow)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

get_filename_component(BAREFLOW_DIST "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(CMAKE_C_COMPILER "clang${BAREFLOW_CLANG_SUFFIX}")
set(CMAKE_CXX_COMPILER "clang++${BAREFLOW_CLANG_SUFFIX}")
set(CMAKE_ASM_COMPILER "clang${BAREFLOW_CLANG_SUFFIX}")
foreach(language C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET x86_64-unknown-none-elf)
endforeach()

set(BAREFLOW_FLAGS
    "-march=x86-64 -mno-red-zone -mcmodel=small -fno-pic -fno-stack-protector -nostdlibinc")
set(BAREFLOW_C_INCLUDES
    "-isystem ${BAREFLOW_DIST}/include/bareflow/c -isystem ${BAREFLOW_DIST}/include/bareflow/libc")
set(CMAKE_C_FLAGS_INIT "${BAREFLOW_FLAGS} ${BAREFLOW_C_INCLUDES}")
set(CMAKE_CXX_FLAGS_INIT
    "${BAREFLOW_FLAGS} -fno-exceptions -fno-rtti -nostdinc++ -isystem ${BAREFLOW_DIST}/include/bareflow/cxx -isystem ${BAREFLOW_DIST}/include/c++/v1 ${BAREFLOW_C_INCLUDES} -isystem ${BAREFLOW_DIST}/include")
