# Builds programs and kernels with this distribution:
#
#     cmake -DCMAKE_TOOLCHAIN_FILE=DISTRIBUTION/share/bareflow/toolchain.cmake
#
# The compilers are clang's, of this machine.
#
#   BAREFLOW_CLANG_SUFFIX  picks a version, such as "-16"; without it the first complete one is taken
#   BAREFLOW_PLATFORM      "linux" (default): programs are static Linux programs, which run here;
#                          "none": what is linked is a kernel, which brings its platform and its linker script
set(CMAKE_SYSTEM_NAME BareFlow)
set(CMAKE_SYSTEM_PROCESSOR @CPU@)
get_filename_component(BAREFLOW_DIST "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
list(INSERT CMAKE_MODULE_PATH 0 "${CMAKE_CURRENT_LIST_DIR}")
list(REMOVE_DUPLICATES CMAKE_MODULE_PATH)

if(NOT DEFINED BAREFLOW_PLATFORM)
  set(BAREFLOW_PLATFORM linux)
elseif(NOT BAREFLOW_PLATFORM MATCHES "^(linux|none)$")
  message(FATAL_ERROR "BAREFLOW_PLATFORM is \"${BAREFLOW_PLATFORM}\"; it must be \"linux\" or \"none\"")
endif()

# All tools of one version: they lie beside each other.
if(NOT BAREFLOW_CLANG)
  set(suffixes -16 -17 -18 -19 "@")
  if(DEFINED BAREFLOW_CLANG_SUFFIX)
    set(suffixes "${BAREFLOW_CLANG_SUFFIX}@")
  endif()
  foreach(suffix IN LISTS suffixes)
    string(REPLACE "@" "" suffix "${suffix}")
    set(complete TRUE)
    foreach(tool IN ITEMS clang clang++ ld.lld llvm-ar llvm-ranlib llvm-nm)
      unset(BAREFLOW_FOUND_TOOL CACHE)
      find_program(BAREFLOW_FOUND_TOOL NAMES "${tool}${suffix}")
      if(NOT BAREFLOW_FOUND_TOOL)
        set(complete FALSE)
        break()
      endif()
      string(MAKE_C_IDENTIFIER "${tool}" name)
      set(BAREFLOW_TOOL_${name} "${BAREFLOW_FOUND_TOOL}")
    endforeach()
    unset(BAREFLOW_FOUND_TOOL CACHE)
    if(complete)
      set(BAREFLOW_CLANG "${BAREFLOW_TOOL_clang}" CACHE FILEPATH "Compiles C")
      set(BAREFLOW_CLANGXX "${BAREFLOW_TOOL_clang__}" CACHE FILEPATH "Compiles C++")
      set(BAREFLOW_LLD "${BAREFLOW_TOOL_ld_lld}" CACHE FILEPATH "Links")
      set(BAREFLOW_AR "${BAREFLOW_TOOL_llvm_ar}" CACHE FILEPATH "Archives")
      set(BAREFLOW_RANLIB "${BAREFLOW_TOOL_llvm_ranlib}" CACHE FILEPATH "Indexes archives")
      set(BAREFLOW_NM "${BAREFLOW_TOOL_llvm_nm}" CACHE FILEPATH "Lists symbols")
      break()
    endif()
  endforeach()
  if(NOT BAREFLOW_CLANG)
    message(FATAL_ERROR
      "clang, ld.lld and llvm-ar of one version from 16 to 19 are needed and were not found, with a suffix such as "
      "-16 or without. On Debian: apt-get install clang-16 lld-16 llvm-16. BAREFLOW_CLANG_SUFFIX picks a version.")
  endif()
endif()

set(CMAKE_C_COMPILER "${BAREFLOW_CLANG}")
set(CMAKE_CXX_COMPILER "${BAREFLOW_CLANGXX}")
set(CMAKE_ASM_COMPILER "${BAREFLOW_CLANG}")
set(CMAKE_AR "${BAREFLOW_AR}" CACHE FILEPATH "")
set(CMAKE_RANLIB "${BAREFLOW_RANLIB}" CACHE FILEPATH "")
set(CMAKE_NM "${BAREFLOW_NM}" CACHE FILEPATH "")
set(CMAKE_LINKER "${BAREFLOW_LLD}" CACHE FILEPATH "")
foreach(language IN ITEMS C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET @TARGET@)
endforeach()
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES
    BAREFLOW_CLANG BAREFLOW_CLANGXX BAREFLOW_LLD BAREFLOW_AR BAREFLOW_RANLIB BAREFLOW_NM)

# What may be changed: unused functions cost nothing.
set(CMAKE_C_FLAGS_INIT "@TUNING@")
set(CMAKE_CXX_FLAGS_INIT "@TUNING@")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--gc-sections")

# Packages, headers and libraries are those of the distribution, never those of this machine.
list(INSERT CMAKE_FIND_ROOT_PATH 0 "${BAREFLOW_DIST}")
list(REMOVE_DUPLICATES CMAKE_FIND_ROOT_PATH)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind IN ITEMS LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()

# Programs are those of a Linux process and run as they are; tests, try_run and custom commands start them by this.
set(CMAKE_CROSSCOMPILING_EMULATOR "${BAREFLOW_DIST}/share/bareflow/run")
