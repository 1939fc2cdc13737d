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

# Asserts cost too much in kernels: Release keeps -O3 -DNDEBUG. Line tables are for perf and for the
# stacks of sanitizers; the installed library is stripped.
string(APPEND CMAKE_CXX_FLAGS_RELEASE " -g1")

# Warnings are errors with the compiler that the project is tested with; a newer one, which may
# know new warnings, must not stop somebody's first build.
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

# A shared library that exports the symbols of a version script alone and has no unresolved symbol.
function(halfstep_link_options target script)
  # Never unmapped: the pool's threads are in it when a class loader that has loaded it goes.
  target_link_options(${target} PRIVATE
    -Wl,--exclude-libs,ALL -Wl,--version-script=${script} -Wl,-z,now -Wl,-z,nodelete)
  if(NOT HALFSTEP_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,--no-undefined -Wl,-s)
  endif()
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${script})
endfunction()
