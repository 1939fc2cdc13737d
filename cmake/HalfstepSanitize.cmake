# -DHALFSTEP_SANITIZE=address,undefined builds everything under those sanitizers.

set(HALFSTEP_SANITIZE "" CACHE STRING "Sanitizers, separated by commas: address, undefined, thread")

if(HALFSTEP_SANITIZE)
  add_compile_options(
    $<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${HALFSTEP_SANITIZE}>
    $<$<COMPILE_LANGUAGE:C,CXX>:-fno-sanitize-recover=all>
    $<$<COMPILE_LANGUAGE:C,CXX>:-fno-omit-frame-pointer>
    # Overrides the -O3 of Release: with -O1 the instrumented code compiles in half the time.
    $<$<COMPILE_LANGUAGE:C,CXX>:-O1>)
  add_link_options(-fsanitize=${HALFSTEP_SANITIZE})
  # The sanitizers' instrumentation causes false warnings "may be used uninitialized".
  set(HALFSTEP_WERROR "")
endif()
