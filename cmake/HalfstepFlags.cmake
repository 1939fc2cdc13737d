# Compiler and linker flags that every target shares.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Release keeps -O3 -DNDEBUG, since asserts cost too much in kernels. Line tables (-g1) are for perf
# and for the stack traces of sanitizers; the installed library is stripped.
string(APPEND CMAKE_CXX_FLAGS_RELEASE " -g1")

# Warnings are errors with the compilers that the project is tested with. A newer compiler may have
# new warnings, which must not break a user's build.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(HALFSTEP_WERROR -Werror)
endif()

function(halfstep_compile_options target)
  target_include_directories(${target} PRIVATE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${HS_GENERATED})
  add_dependencies(${target} hs_generated)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wconversion -Wshadow ${HALFSTEP_WERROR}>)
endfunction()

# Options of a shared library that exports only the symbols of a version script and has no
# unresolved symbols.
function(halfstep_link_options target script)
  # nodelete: the library is never unmapped, since the pool's threads still run its code when the
  # class loader that loaded it is collected.
  target_link_options(${target} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,--version-script=${script} -Wl,-z,now -Wl,-z,nodelete)
  if(NOT HALFSTEP_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,--no-undefined -Wl,-s)
  endif()
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${script})
endfunction()
