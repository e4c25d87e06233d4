# What lies beside LLVM in the distribution: find_package(BareFlow REQUIRED CONFIG).
#
#   BareFlow::engine   llvm_baremetal.h: LLVM behind a C interface, with interpreter and levels of native code;
#                      where there is an engine for the target
#   BareFlow::runtime  the runtime, and bareflow/platform.h; programs have it already
#   BareFlow_KERNEL_SCRIPT  a linker script for a kernel on the bare machine
include(CMakeFindDependencyMacro)
find_dependency(LLVM @MAJOR@ CONFIG)

set(BareFlow_KERNEL_SCRIPT "${LLVM_INSTALL_PREFIX}/share/bareflow/kernel.ld")

if(NOT TARGET BareFlow::runtime)
  add_library(BareFlow::runtime STATIC IMPORTED)
  set_target_properties(BareFlow::runtime PROPERTIES
    IMPORTED_LOCATION "${LLVM_INSTALL_PREFIX}/lib/libbareflow-runtime.a"
    INTERFACE_INCLUDE_DIRECTORIES "${LLVM_INSTALL_PREFIX}/include")

  if(EXISTS "${LLVM_INSTALL_PREFIX}/lib/libbareflow-engine.a")
    llvm_map_components_to_libnames(BareFlow_ENGINE_LIBRARIES @ENGINE_COMPONENTS@)
    add_library(BareFlow::engine STATIC IMPORTED)
    set_target_properties(BareFlow::engine PROPERTIES
      IMPORTED_LOCATION "${LLVM_INSTALL_PREFIX}/lib/libbareflow-engine.a"
      INTERFACE_INCLUDE_DIRECTORIES "${LLVM_INSTALL_PREFIX}/include"
      INTERFACE_LINK_LIBRARIES "${BareFlow_ENGINE_LIBRARIES}")
  endif()
endif()
