# The platform of @TARGET@. With CMake's Generic, projects that look for UNIX would find none.
set(UNIX 1)
set(CMAKE_STATIC_LIBRARY_PREFIX "lib")
set(CMAKE_STATIC_LIBRARY_SUFFIX ".a")
set(CMAKE_EXECUTABLE_SUFFIX "")
set(CMAKE_FIND_LIBRARY_PREFIXES "lib")
set(CMAKE_FIND_LIBRARY_SUFFIXES ".a")
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS FALSE)
# With the find root this is the distribution's folder.
list(APPEND CMAKE_SYSTEM_PREFIX_PATH "/")
list(APPEND CMAKE_SYSTEM_INCLUDE_PATH "/include")
list(APPEND CMAKE_SYSTEM_LIBRARY_PATH "/lib")

# What everything must be compiled with comes last, so that a project's flags do not undo it.
set(BAREFLOW_FLAGS "--target=@TARGET@ @REQUIRED@")
set(BAREFLOW_C_FOLDERS
    "-isystem \"${BAREFLOW_DIST}/include/bareflow/c\" -isystem \"${BAREFLOW_DIST}/include/bareflow/libc\"")
set(BAREFLOW_C_LAST "${BAREFLOW_FLAGS} ${BAREFLOW_C_FOLDERS} -isystem \"${BAREFLOW_DIST}/include\"")
string(CONCAT BAREFLOW_CXX_LAST
    "${BAREFLOW_FLAGS} @CXX@"
    " -isystem \"${BAREFLOW_DIST}/include/bareflow/cxx\" -isystem \"${BAREFLOW_DIST}/include/c++/v1\""
    " ${BAREFLOW_C_FOLDERS} -isystem \"${BAREFLOW_DIST}/include\"")
set(BAREFLOW_ASM_LAST "${BAREFLOW_FLAGS}")
foreach(language IN ITEMS C CXX ASM)
  set(CMAKE_${language}_COMPILE_OBJECT
      "<CMAKE_${language}_COMPILER> <DEFINES> <INCLUDES> <FLAGS> ${BAREFLOW_${language}_LAST} -o <OBJECT> -c <SOURCE>")
  if(NOT language STREQUAL "ASM")
    set(CMAKE_${language}_CREATE_PREPROCESSED_SOURCE
        "<CMAKE_${language}_COMPILER> <DEFINES> <INCLUDES> <FLAGS> ${BAREFLOW_${language}_LAST} -E <SOURCE> > <PREPROCESSED_SOURCE>")
    set(CMAKE_${language}_CREATE_ASSEMBLY_SOURCE
        "<CMAKE_${language}_COMPILER> <DEFINES> <INCLUDES> <FLAGS> ${BAREFLOW_${language}_LAST} -S <SOURCE> -o <ASSEMBLY_SOURCE>")
  endif()
endforeach()

# D writes no times, owners or groups: equal objects make equal archives.
foreach(language IN ITEMS C CXX ASM)
  set(CMAKE_${language}_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_APPEND "<CMAKE_AR> qD <TARGET> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_FINISH "<CMAKE_RANLIB> -D <TARGET>")
endforeach()

# Checks are Linux programs always: they ask what the libraries have.
get_property(is_check GLOBAL PROPERTY IN_TRY_COMPILE)
# Clang's driver for Linux starts lld; that for the bare machine would start the gcc of this machine.
set(BAREFLOW_LINK "--target=@CPU@-unknown-linux-gnu -static -nostdlib \"--ld-path=${BAREFLOW_LLD}\" -Wl,-z,noexecstack")
set(BAREFLOW_BASE "-L\"${BAREFLOW_DIST}/lib\" -lc++ -lbareflow-runtime -lc -lm")
if(is_check OR NOT BAREFLOW_PLATFORM STREQUAL "none")
  string(APPEND BAREFLOW_LINK " -T \"${BAREFLOW_DIST}/share/bareflow/linux.ld\"")
  string(PREPEND BAREFLOW_BASE "-L\"${BAREFLOW_DIST}/lib\" -lbareflow-linux ")
endif()
foreach(language IN ITEMS C CXX)
  set(CMAKE_${language}_LINK_EXECUTABLE
      "<CMAKE_${language}_COMPILER> <FLAGS> <CMAKE_${language}_LINK_FLAGS> <LINK_FLAGS> ${BAREFLOW_LINK} <OBJECTS> -o <TARGET> <LINK_LIBRARIES> ${BAREFLOW_BASE}")
endforeach()
