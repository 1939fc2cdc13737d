#!/usr/bin/env bash
# check_symbols.sh exported LIBRARY       checks that the library exports hs_* and nothing else
# check_symbols.sh kernels ISA OBJECT...  checks that no object compiled for ISA defines a symbol
# that
#                                         the linker may share with other objects (weak symbols:
#                                         inline functions and templates outside of namespace
#                                         hs::cpu::ISA)
# check_symbols.sh sources FOLDER         checks that no file under the folder src names a
# processor,
#                                         except those of cpu/simd, platform, sim and cuda
set -euo pipefail
case $1 in
  exported)
    bad=$(nm -D --defined-only "$2" | awk '$3 !~ /^hs_/ {print $3}')
    what="exported, but not hs_*"
    ;;
  kernels)
    isa=$2
    shift 2
    # The linker merges symbols of the types W, w, V, v and u by name. The namespace is mangled as
    # in 3cpu6avx512.
    bad=$(nm --defined-only "$@" | awk -v own="3cpu${#isa}$isa" '$2 ~ /^[WwVvu]$/ && !index($3, own) {print $3}' | c++filt | sort -u)
    what="shared with objects of other instruction sets: keep it in namespace hs::cpu::HS_ISA"
    ;;
  sources)
    bad=$(cd "$2" && grep -rnE 'immintrin|xmmintrin|arm_neon|\b_mm[0-9]*_|__(AVX|SSE|x86_64|i386|aarch64|ARM)' \
      core cpu numerics --include='*.h' --include='*.cpp' | grep -v '^cpu/simd/' || true)
    what="of one processor: move it to src/cpu/simd or src/platform"
    ;;
esac
if [ -n "$bad" ]; then
  echo "$what:"
  echo "$bad"
  exit 1
fi
