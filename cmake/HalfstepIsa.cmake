# The instruction sets that the CPU kernels are compiled for, the best first. Each name has a file
# native/src/cpu/simd/<name>.h and flags below; if some processors of the architecture cannot run
# it, a line of native/src/platform/processor.cpp checks for it. The kernels' sources are the same
# for all sets. They are in namespace hs::cpu::<isa> and define no inline function outside of it, so
# that the linker cannot merge AVX code into code that runs on every machine (a test checks that).

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  set(HALFSTEP_ISAS avx512 avx2 portable)
  set(HALFSTEP_FLAGS_portable -march=x86-64)
  set(HALFSTEP_FLAGS_avx2 -march=x86-64-v3)
  set(HALFSTEP_FLAGS_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
  set(HALFSTEP_SANITIZED_portable -fno-sanitize=address)
  set(HALFSTEP_SANITIZED_avx2 -fno-sanitize=all -O0)
  set(HALFSTEP_SANITIZED_avx512 -fno-sanitize=undefined)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(HALFSTEP_ISAS portable)
  set(HALFSTEP_FLAGS_portable -march=armv8-a)
else()
  set(HALFSTEP_ISAS portable)
endif()

# The list of the sets as a C++ macro.
list(TRANSFORM HALFSTEP_ISAS REPLACE "(.+)" "X(\\1)" OUTPUT_VARIABLE entries)
list(JOIN entries " " entries)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/cpu/each_isa.h CONTENT
"// The instruction sets of this build, the best first. Written by cmake/HalfstepIsa.cmake.
#define HS_EACH_ISA(X) @entries@
" @ONLY)

function(halfstep_isa_options target isa)
  target_compile_definitions(${target} PRIVATE
    HS_ISA=${isa} HS_ISA_HEADER="cpu/simd/${isa}.h")
  # -fno-math-errno, -fno-trapping-math: kernels read neither errno nor the floating-point flags;
  # with these options sqrt and selects are vectorised. Results do not change, since reassociation
  # is not allowed. -fwrapv: integers wrap round, since they hold the bits of floats. -ffp-contract:
  # products and sums are fused if the machine can do that. -Wno-psabi: vector types cross no
  # library boundary, so it does not matter that their calling convention depends on the instruction
  # set.
  target_compile_options(${target} PRIVATE
    ${HALFSTEP_FLAGS_${isa}} -ffp-contract=fast -fno-math-errno -fno-trapping-math -fwrapv -Wno-psabi)
  # The same sources are built for several instruction sets. Two of these builds are each sanitized
  # for one kind of fault; sanitizing each for all kinds would take minutes more.
  if(HALFSTEP_SANITIZE)
    target_compile_options(${target} PRIVATE ${HALFSTEP_SANITIZED_${isa}})
  endif()
endfunction()
