#!/usr/bin/env bash
# check_symbols.sh exported LIBRARY       the library exports hs_* and nothing else
# check_symbols.sh kernels ISA OBJECT...  no object compiled for ISA defines a symbol that the linker
#                                         may share with other objects (weak: inline functions and
#                                         templates outside of namespace hs::cpu::ISA)
# check_symbols.sh sources FOLDER         no file under the folder src names a processor, but those of
#                                         cpu/simd, platform, sim and cuda
set -euo pipefail
case $1 in
  exported)
    bad=$(nm -D --defined-only "$2" | awk '$3 !~ /^hs_/ {print $3}')
    what="exported, but not hs_*"
    ;;
  kernels)
    isa=$2
    shift 2
    # Types W, w, V, v and u are those that the linker merges by name; 3cpu6avx512 is the namespace.
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
