# The sources that native/generator writes from native/kernels.txt to generated/ in the build
# folder. The generator is plain Java; it runs with the Java of JAVA_HOME, or otherwise with that on
# the PATH.

find_package(Java 17 QUIET COMPONENTS Development)
if(NOT Java_FOUND)
  message(FATAL_ERROR "The kernels' sources are written by native/generator, which needs a JDK of "
    "17 or later: install one and set JAVA_HOME, or put its bin folder on PATH")
endif()

set(HS_GENERATED ${CMAKE_BINARY_DIR}/generated)
set(HS_GENERATED_CALLS ${HS_GENERATED}/core/kernel_calls.cpp)
file(GLOB HS_GENERATOR CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/generator/*.java)
add_custom_command(
  OUTPUT ${HS_GENERATED_CALLS} ${HS_GENERATED}/core/kernel_args.h
    ${HS_GENERATED}/core/kernel_checks.h
  COMMAND ${Java_JAVAC_EXECUTABLE} --release 17 -d ${CMAKE_BINARY_DIR}/generator ${HS_GENERATOR}
  COMMAND ${Java_JAVA_EXECUTABLE} -cp ${CMAKE_BINARY_DIR}/generator generator.Generate
    ${PROJECT_SOURCE_DIR} core ${HS_GENERATED}
  DEPENDS ${HS_GENERATOR} kernels.txt include/halfstep.h
  COMMENT "Writing the kernels' sources"
  VERBATIM)
add_custom_target(hs_generated DEPENDS ${HS_GENERATED_CALLS})
