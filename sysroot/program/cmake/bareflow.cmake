# Programs for BareFlow: cmake -DCMAKE_TOOLCHAIN_FILE=SDK/share/bareflow/bareflow.cmake
set(CMAKE_SYSTEM_NAME BareFlow)
set(CMAKE_SYSTEM_VERSION 1)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

get_filename_component(BAREFLOW_SDK "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(CMAKE_C_COMPILER "${BAREFLOW_SDK}/bin/bareflow-cc")
set(CMAKE_CXX_COMPILER "${BAREFLOW_SDK}/bin/bareflow-c++")
foreach(tool AR RANLIB NM)
  string(TOLOWER ${tool} name)
  set(CMAKE_${tool} "${BAREFLOW_SDK}/bin/bareflow-${name}" CACHE FILEPATH "")
  foreach(language C CXX)
    if(NOT tool STREQUAL NM)
      set(CMAKE_${language}_COMPILER_${tool} "${BAREFLOW_SDK}/bin/bareflow-${name}" CACHE FILEPATH "")
    endif()
  endforeach()
endforeach()

# CMake tells compilers apart by texts in objects, and bitcode does not hold texts as bytes.
execute_process(
  COMMAND "${CMAKE_C_COMPILER}" -dumpversion
  OUTPUT_VARIABLE BAREFLOW_CLANG_VERSION
  OUTPUT_STRIP_TRAILING_WHITESPACE)
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER_ID_RUN TRUE)
  set(CMAKE_${language}_COMPILER_ID Clang)
  set(CMAKE_${language}_COMPILER_VERSION "${BAREFLOW_CLANG_VERSION}")
  set(CMAKE_${language}_COMPILER_FRONTEND_VARIANT GNU)
  set(CMAKE_${language}_COMPILER_ARCHITECTURE_ID x86_64)
  set(CMAKE_${language}_STANDARD_COMPUTED_DEFAULT 17)
  set(CMAKE_${language}_EXTENSIONS_COMPUTED_DEFAULT ON)
  set(CMAKE_${language}_BYTE_ORDER LITTLE_ENDIAN)
endforeach()

# The host's libraries and headers are not the target's; its programs can be used.
set(CMAKE_FIND_ROOT_PATH "${BAREFLOW_SDK}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Programs that are made to be run while the project is configured, and tests, run in the hosted kernel.
if(DEFINED ENV{BAREFLOW_KERNEL})
  set(CMAKE_CROSSCOMPILING_EMULATOR "${BAREFLOW_SDK}/bin/bareflow-run")
endif()
