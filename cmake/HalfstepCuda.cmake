# The CUDA plug-in libhalfstep_cuda.so, which is built if there is an nvcc.
# -DHALFSTEP_CUDA=ON makes a missing nvcc an error; OFF does not look for one.
# (This file is not a function, since enable_language only works at file scope.)

set(HALFSTEP_CUDA AUTO CACHE STRING "Build the CUDA plug-in: AUTO, ON or OFF")

if(HALFSTEP_CUDA STREQUAL "OFF")
  message(STATUS "halfstep: without the CUDA plug-in (HALFSTEP_CUDA=OFF)")
  return()
endif()

include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(HALFSTEP_CUDA STREQUAL "ON")
    message(FATAL_ERROR "HALFSTEP_CUDA=ON, but nvcc was not found: install the CUDA toolkit 13 "
      "and put its bin folder on PATH, or leave HALFSTEP_CUDA at AUTO")
  endif()
  message(STATUS "halfstep: without the CUDA plug-in, since nvcc was not found")
  return()
endif()

# All sources in src/cuda and its folders.
file(GLOB_RECURSE HS_CUDA_SOURCES CONFIGURE_DEPENDS src/cuda/*.cu src/cuda/*.cpp)

# Machine code for A100 (sm_80) and H100 (sm_90a: with wgmma), and PTX for everything later.
set(HALFSTEP_CUDA_GENCODE
  -gencode=arch=compute_80,code=sm_80
  -gencode=arch=compute_90a,code=sm_90a
  -gencode=arch=compute_80,code=compute_80)

set(CMAKE_CUDA_ARCHITECTURES OFF)
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc 13 has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
find_package(CUDAToolkit REQUIRED)
add_library(halfstep_cuda SHARED ${HS_CUDA_SOURCES} src/core/error.cpp)
target_include_directories(halfstep_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
halfstep_compile_options(halfstep_cuda)
halfstep_link_options(halfstep_cuda ${PROJECT_SOURCE_DIR}/src/cuda/runtime/exports.map)
target_compile_options(halfstep_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:
  ${HALFSTEP_CUDA_GENCODE} -Xfatbin=-compress-all -Xcompiler=-Wall,-Wextra>)
# ptxas reports the resources of each kernel; the test cuda_resources checks them.
set(HALFSTEP_CUDA_RESOURCES ${PROJECT_SOURCE_DIR}/src/cuda/resources.sh)
target_compile_options(halfstep_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Xptxas=-v>)
set_target_properties(halfstep_cuda PROPERTIES
  RULE_LAUNCH_COMPILE "${HALFSTEP_CUDA_RESOURCES} record <OBJECT>")
# The CUDA runtime is linked statically, so that the plug-in only needs the driver.
set_target_properties(halfstep_cuda PROPERTIES
  CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF
  CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden)
target_link_libraries(halfstep_cuda PRIVATE ${CMAKE_DL_LIBS})
install(TARGETS halfstep_cuda LIBRARY DESTINATION . COMPONENT cuda)
