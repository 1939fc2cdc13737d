# The instruction sets that the CPU kernels are compiled for. The kernels' code is the same; they
# lie in namespace hs::cpu::<isa> and define no inline function outside of it, so that the linker
# cannot merge AVX code into what runs on every machine (a test checks that).

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  set(HALFSTEP_ISAS portable avx2 avx512)
  set(HALFSTEP_FLAGS_portable -march=x86-64)
  set(HALFSTEP_FLAGS_avx2 -march=x86-64-v3)
  set(HALFSTEP_FLAGS_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
  set(HALFSTEP_SANITIZED_portable -fno-sanitize=address)
  set(HALFSTEP_SANITIZED_avx2 -fno-sanitize=all -O0)
  set(HALFSTEP_SANITIZED_avx512 -fno-sanitize=undefined)
else()
  set(HALFSTEP_ISAS portable)
endif()

function(halfstep_isa_options target isa)
  target_compile_definitions(${target} PRIVATE HS_ISA=${isa} HS_ISA_${isa}=1)
  # Kernels neither read errno nor the floating-point flags: said so, sqrt and selects vectorise.
  # Results do not change: no reassociation is allowed. Integers wrap: they are bits of floats.
  # Vector types cross no library boundary, so the note that their calling convention depends on
  # the instruction set is of no use.
  target_compile_options(${target} PRIVATE
    ${HALFSTEP_FLAGS_${isa}} -fno-math-errno -fno-trapping-math -fwrapv -Wno-psabi)
  # The same sources are sanitized for one kind of fault in each of two builds of them; each for all
  # takes minutes more.
  if(HALFSTEP_SANITIZE)
    target_compile_options(${target} PRIVATE ${HALFSTEP_SANITIZED_${isa}})
  endif()
endfunction()
