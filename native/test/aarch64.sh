#!/usr/bin/env bash
# Cross-compiles the library and its tests for Linux on 64-bit ARM into target/aarch64 and runs the
# tests under qemu, which shows that the code does not depend on x86. Ends with "N passed, N
# failed".
#   aarch64.sh [TEST...]   runs these tests, for instance softmax_test; without a name, tests that
#   take
#                          a few minutes together
#   aarch64.sh all         every test; half an hour
# It cannot check speed, or find missing memory orders, since qemu on x86-64 has those of x86-64.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../target/aarch64
fast=(isa_test pool_test simd_test_portable c_abi_test handles_test arguments_test elementwise_test
  dropout_test activation_test softmax_test reduce_test optimizer_test step_test matmul_update_test)

if ! command -v aarch64-linux-gnu-g++ >/dev/null || ! command -v qemu-aarch64-static >/dev/null; then
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      g++-aarch64-linux-gnu qemu-user-static >/dev/null ||
    { echo "aarch64.sh: needs g++-aarch64-linux-gnu and qemu-user-static" && exit 1; }
fi

"$here/../build.sh" "$build" build "-DCMAKE_TOOLCHAIN_FILE=$here/../../cmake/aarch64.cmake"
jobs=${HALFSTEP_JOBS:-$(nproc)}
targets=(all) chosen=()
if [ "${1:-}" != all ]; then
  targets=("${@:-${fast[@]}}")
  chosen=(-R "^($(IFS='|' && echo "${targets[*]}"))(_portable)?\$")
fi
cmake --build "$build" -j "$jobs" --target "${targets[@]}" >"$build/tests.log" ||
  { tail -n 40 "$build/tests.log" && exit 1; }

status=0
ctest --test-dir "$build" -j "$jobs" --output-on-failure "${chosen[@]}" >"$build/summary" || status=$?
[ "$status" -eq 0 ] || cat "$build/summary"
sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)/\2 \1/p' "$build/summary" |
  while read -r all bad; do echo "$((all - bad)) passed, $bad failed"; done
exit "$status"
