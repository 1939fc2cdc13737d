# The instruction sets that the CPU kernels are compiled for, the best first. A name here is a file
# native/src/cpu/simd/<name>.h and its flags; where not every processor of the kind runs it, a line of
# native/src/platform/processor.cpp says which do. The kernels' code is the same; they lie in namespace
# hs::cpu::<isa> and define no inline function outside of it, so that the linker cannot merge AVX code
# into what runs on every machine (a test checks that).

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

# The list as C++ sees it.
list(TRANSFORM HALFSTEP_ISAS REPLACE "(.+)" "X(\\1)" OUTPUT_VARIABLE entries)
list(JOIN entries " " entries)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/cpu/each_isa.h CONTENT
"// The instruction sets of this build, the best first. Written by cmake/HalfstepIsa.cmake.
#define HS_EACH_ISA(X) @entries@
" @ONLY)

function(halfstep_isa_options target isa)
  target_compile_definitions(${target} PRIVATE
    HS_ISA=${isa} HS_ISA_HEADER="cpu/simd/${isa}.h")
  # Kernels neither read errno nor the floating-point flags: said so, sqrt and selects vectorise.
  # Results do not change: no reassociation is allowed. Integers wrap: they are bits of floats.
  # Products and sums are fused where the machine does that.
  # Vector types cross no library boundary, so the note that their calling convention depends on
  # the instruction set is of no use.
  target_compile_options(${target} PRIVATE
    ${HALFSTEP_FLAGS_${isa}} -ffp-contract=fast -fno-math-errno -fno-trapping-math -fwrapv -Wno-psabi)
  # The same sources are sanitized for one kind of fault in each of two builds of them; each for all
  # takes minutes more.
  if(HALFSTEP_SANITIZE)
    target_compile_options(${target} PRIVATE ${HALFSTEP_SANITIZED_${isa}})
  endif()
endfunction()
