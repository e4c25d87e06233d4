# Included by LLVM's own project() call (CMAKE_PROJECT_LLVM_INCLUDE): what the build needs of LLVM's
# CMake is attached from outside, at the end of its top-level folder, so no source is changed.
#
# In: BAREFLOW_PCH_DIR (folder of support.h, ir.h, codegen.h; empty: no precompiled headers).
# Libraries by the precompiled header that fits them; every other one takes support.h.
set(BAREFLOW_PCH_IR
    LLVMCore LLVMAnalysis LLVMTransformUtils LLVMInstCombine LLVMAggressiveInstCombine
    LLVMScalarOpts LLVMipo LLVMVectorize LLVMInstrumentation LLVMCoroutines LLVMCFGuard
    LLVMObjCARCOpts LLVMHipStdPar LLVMBitReader LLVMBitWriter LLVMAsmParser LLVMIRReader
    LLVMIRPrinter LLVMLinker LLVMLTO LLVMPasses LLVMFrontendOpenMP LLVMFrontendHLSL
    LLVMExecutionEngine LLVMInterpreter LLVMOrcJIT LLVMMCJIT LLVMExtensions LLVMFuzzMutate
    LLVMTarget LLVMProfileData)
set(BAREFLOW_PCH_CODEGEN
    LLVMCodeGen LLVMSelectionDAG LLVMGlobalISel LLVMAsmPrinter LLVMMIRParser LLVMX86CodeGen)

function(bareflow_attach_precompiled_headers)
  if(NOT BAREFLOW_PCH_DIR)
    return()
  endif()
  foreach(set support ir codegen)
    file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/bareflow-pch/${set}.cpp" CONTENT "")
    add_library(bareflow_pch_${set} OBJECT "${CMAKE_BINARY_DIR}/bareflow-pch/${set}.cpp")
    target_precompile_headers(bareflow_pch_${set} PRIVATE
      "$<$<COMPILE_LANGUAGE:CXX>:${BAREFLOW_PCH_DIR}/${set}.h>")
    add_dependencies(bareflow_pch_${set} intrinsics_gen omp_gen acc_gen llvm_vcsrevision_h)
  endforeach()

  get_property(libraries GLOBAL PROPERTY LLVM_COMPONENT_LIBS)
  foreach(library IN LISTS libraries)
    get_target_property(sources ${library} SOURCES)
    # A header pays for itself from a handful of sources on.
    list(LENGTH sources source_count)
    if(source_count LESS 3)
      continue()
    endif()
    if(library IN_LIST BAREFLOW_PCH_CODEGEN)
      set(set codegen)
    elseif(library IN_LIST BAREFLOW_PCH_IR)
      set(set ir)
    elseif(library STREQUAL "LLVMDemangle")
      continue()
    else()
      set(set support)
    endif()
    get_target_property(visibility ${library} CXX_VISIBILITY_PRESET)
    if(visibility STREQUAL "hidden")
      # The target's libraries are compiled with another visibility, which a header would not fit.
      if(source_count GREATER 20)
        target_precompile_headers(${library} PRIVATE
          "$<$<COMPILE_LANGUAGE:CXX>:${BAREFLOW_PCH_DIR}/${set}.h>")
      endif()
      continue()
    endif()
    target_precompile_headers(${library} REUSE_FROM bareflow_pch_${set})
  endforeach()
endfunction()

# Sources of a library are compiled some at once: what headers define is instantiated and optimised once for all of them.
function(bareflow_merge_sources)
  include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/llvm-unity.cmake")
  get_property(libraries GLOBAL PROPERTY LLVM_COMPONENT_LIBS)
  foreach(library IN LISTS libraries)
    set_target_properties(${library} PROPERTIES
      UNITY_BUILD ON
      UNITY_BUILD_BATCH_SIZE ${BAREFLOW_BATCH}
      UNITY_BUILD_CODE_AFTER_INCLUDE "#undef DEBUG_TYPE")
    get_target_property(folder ${library} SOURCE_DIR)
    get_target_property(sources ${library} SOURCES)
    foreach(source IN LISTS sources)
      cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${folder}" NORMALIZE)
      file(RELATIVE_PATH name "${CMAKE_SOURCE_DIR}/lib" "${source}")
      set(skipped)
      if(NOT source MATCHES "\\.cpp$")
        # The headers are C++; a library may hold C and assembler sources too.
        set(skipped SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
      elseif(name IN_LIST BAREFLOW_ALONE)
        set(skipped SKIP_UNITY_BUILD_INCLUSION ON)
      endif()
      if(skipped)
        set_source_files_properties("${source}" TARGET_DIRECTORY ${library} PROPERTIES ${skipped})
      endif()
    endforeach()
  endforeach()
endfunction()

# The component graph, as LLVM's own llvm-config gets it.
function(bareflow_write_component_graph)
  LLVMBuildGenerateCFragment(OUTPUT "${CMAKE_BINARY_DIR}/LibraryDependencies.inc")
endfunction()

foreach(function
    bareflow_merge_sources bareflow_attach_precompiled_headers bareflow_write_component_graph)
  cmake_language(EVAL CODE
    "cmake_language(DEFER DIRECTORY [[${CMAKE_SOURCE_DIR}]] CALL ${function})")
endforeach()
