# Cross-compiles for Linux on 64-bit ARM; tests run under qemu. Needs Debian's packages
# g++-aarch64-linux-gnu and qemu-user-static:
#   cmake -S native -B target/aarch64 -G Ninja -DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/aarch64.cmake
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)

# CMake looks for libraries and headers of the target, and for programs of this machine.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(HALFSTEP_CUDA OFF CACHE STRING "") # the plug-in is only for x86-64
