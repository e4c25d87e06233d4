# Upstream's AddLLVM.cmake, as far as it makes sense for programs with LLVM in them: there are no tools, no plug-ins and
# no tests of LLVM's own.
include_guard()
include(LLVM-Config OPTIONAL)

# Flags come from the toolchain file: no exceptions, no RTTI.
function(llvm_update_compile_flags name)
endfunction()

function(add_llvm_symbol_exports target)
endfunction()

macro(bareflow_add_llvm_target kind name)
  cmake_parse_arguments(given
    "MODULE;SHARED;STATIC;OBJECT;BUILDTREE_ONLY;DISABLE_LLVM_LINK_LLVM_DYLIB;IGNORE_EXTERNALIZE_DEBUGINFO;NO_INSTALL_RPATH;SUPPORT_PLUGINS;EXPORT_SYMBOLS;GENERATE_DRIVER;INSTALL_WITH_TOOLCHAIN;NO_EXPORT"
    "OUTPUT_NAME;ENTITLEMENTS;BUNDLE_PATH;PLUGIN_TOOL;COMPONENT_NAME;ADD_TO_COMPONENT"
    "ADDITIONAL_HEADERS;ADDITIONAL_HEADER_DIRS;DEPENDS;LINK_COMPONENTS;LINK_LIBS;OBJLIBS" ${ARGN})
  if(given_SHARED OR given_MODULE)
    message(FATAL_ERROR "${name}: @TARGET@ has static libraries only")
  endif()
  if("${kind}" STREQUAL "library")
    add_library(${name} STATIC ${given_UNPARSED_ARGUMENTS} ${given_OBJLIBS})
  else()
    add_executable(${name} ${given_UNPARSED_ARGUMENTS})
  endif()
  if(given_OUTPUT_NAME)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME "${given_OUTPUT_NAME}")
  endif()
  if(given_DEPENDS)
    add_dependencies(${name} ${given_DEPENDS})
  endif()
  target_include_directories(${name} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})
  llvm_map_components_to_libnames(bareflow_libraries ${LLVM_LINK_COMPONENTS} ${given_LINK_COMPONENTS})
  target_link_libraries(${name} PUBLIC ${bareflow_libraries} ${given_LINK_LIBS})
endmacro()

function(add_llvm_library name)
  bareflow_add_llvm_target(library ${name} ${ARGN})
endfunction()

function(add_llvm_component_library name)
  bareflow_add_llvm_target(library ${name} ${ARGN})
endfunction()

function(add_llvm_executable name)
  bareflow_add_llvm_target(executable ${name} ${ARGN})
endfunction()

function(add_llvm_tool name)
  bareflow_add_llvm_target(executable ${name} ${ARGN})
endfunction()

function(add_llvm_utility name)
  bareflow_add_llvm_target(executable ${name} ${ARGN})
endfunction()

function(add_llvm_example name)
  bareflow_add_llvm_target(executable ${name} ${ARGN})
endfunction()
