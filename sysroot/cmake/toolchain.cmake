# The cross toolchain that builds the distribution itself.
#
# In: BAREFLOW_CLANG, BAREFLOW_CLANGXX, BAREFLOW_AR, BAREFLOW_RANLIB, BAREFLOW_NM, BAREFLOW_LLD (paths),
#     BAREFLOW_TRIPLE, BAREFLOW_PROCESSOR (of the target),
#     BAREFLOW_C_FLAGS, BAREFLOW_CXX_FLAGS (what every object is compiled with),
#     BAREFLOW_LAST_FLAGS (optional: what comes after the flags of a project, so that it overrides them).
set(CMAKE_SYSTEM_NAME BareFlow)
set(CMAKE_SYSTEM_PROCESSOR ${BAREFLOW_PROCESSOR})
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

# A check compiles into a library: there is nothing yet that a program could be linked with.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES
    BAREFLOW_CLANG BAREFLOW_CLANGXX BAREFLOW_AR BAREFLOW_RANLIB BAREFLOW_NM BAREFLOW_LLD
    BAREFLOW_TRIPLE BAREFLOW_PROCESSOR BAREFLOW_C_FLAGS BAREFLOW_CXX_FLAGS)

set(CMAKE_C_COMPILER "${BAREFLOW_CLANG}")
set(CMAKE_CXX_COMPILER "${BAREFLOW_CLANGXX}")
set(CMAKE_ASM_COMPILER "${BAREFLOW_CLANG}")
set(CMAKE_AR "${BAREFLOW_AR}" CACHE FILEPATH "")
set(CMAKE_RANLIB "${BAREFLOW_RANLIB}" CACHE FILEPATH "")
set(CMAKE_NM "${BAREFLOW_NM}" CACHE FILEPATH "")
set(CMAKE_LINKER "${BAREFLOW_LLD}" CACHE FILEPATH "")
foreach(language C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET ${BAREFLOW_TRIPLE})
endforeach()
set(CMAKE_C_FLAGS_INIT "${BAREFLOW_C_FLAGS}")
set(CMAKE_ASM_FLAGS_INIT "${BAREFLOW_C_FLAGS}")
set(CMAKE_CXX_FLAGS_INIT "${BAREFLOW_CXX_FLAGS}")
# Not for the checks of CMake, which read objects.
if(BAREFLOW_LAST_FLAGS)
  foreach(language C CXX)
    set(CMAKE_${language}_COMPILE_OBJECT
        "<CMAKE_${language}_COMPILER> <DEFINES> <INCLUDES> <FLAGS> ${BAREFLOW_LAST_FLAGS} -o <OBJECT> -c <SOURCE>")
  endforeach()
endif()

# D writes no times, owners or groups: equal objects make equal archives.
foreach(language C CXX ASM)
  set(CMAKE_${language}_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_APPEND "<CMAKE_AR> qD <TARGET> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_FINISH "<CMAKE_RANLIB> -D <TARGET>")
endforeach()
