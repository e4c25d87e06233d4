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
    # The headers are C++; a library may hold C and assembler sources too.
    list(FILTER sources EXCLUDE REGEX "\\.cpp$")
    if(sources)
      get_target_property(folder ${library} SOURCE_DIR)
      list(TRANSFORM sources PREPEND "${folder}/" REGEX "^[^/$]")
      set_source_files_properties(${sources} TARGET_DIRECTORY ${library}
        PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
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

# The component graph, as LLVM's own llvm-config gets it.
function(bareflow_write_component_graph)
  LLVMBuildGenerateCFragment(OUTPUT "${CMAKE_BINARY_DIR}/LibraryDependencies.inc")
endfunction()

foreach(function bareflow_attach_precompiled_headers bareflow_write_component_graph)
  cmake_language(EVAL CODE
    "cmake_language(DEFER DIRECTORY [[${CMAKE_SOURCE_DIR}]] CALL ${function})")
endforeach()
