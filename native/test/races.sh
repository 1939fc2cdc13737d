#!/usr/bin/env bash
# The race checker: runs CUDA kernels on the simulated device under ThreadSanitizer, which reports
# both places of two memory accesses that no barrier orders. Takes ten minutes and the build; for a
# nightly run.
#   races.sh [TEST...]         builds target/races and runs the tests of kernels (all of them, or
#   for
#                              instance softmax_test) with small shapes, in two orders of threads
#   races.sh pool              builds and runs pool_test, the CPU's thread pool; a minute
#   races.sh planted PROGRAM   checks the checker: it must find the barriers that are missing in
#                              sim_faults_test.cpp, as the ctest sim_races does
# It does not understand fences: it only knows the order that barriers and atomic operations make.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../target/races
# Shapes with more elements are left out: with the checker kernels take a hundred times as long.
export HALFSTEP_TEST_LARGEST=${HALFSTEP_TEST_LARGEST:-4000}
seconds=${HALFSTEP_RACES_SECONDS:-900} # limit for one test in one order

# Runs without address randomisation: some Linux kernels may put a program where ThreadSanitizer
# needs its own memory.
checked() {
  local fixed=()
  if setarch -R true 2>/dev/null; then fixed=(setarch -R); fi
  TSAN_OPTIONS="exitcode=66 report_bugs=1" "${fixed[@]}" "$@" 2>&1
}

# planted PROGRAM TEST KERNEL WORD...: TEST runs KERNEL with its barrier and without it; races must
# be reported only for the latter, at the lines marked with the words.
planted() {
  local program=$1 test=$2 kernel=$3 output status=0 word
  shift 3
  output=$(checked "$program" "$test") || status=$?
  local source=$here/sim_faults_test.cpp
  for word in "$@"; do
    local line
    line=$(grep -n "races.sh: $word" "$source" | cut -d: -f1)
    if [ "$status" -ne 66 ] || ! grep -q "sim_faults_test.cpp:$line" <<<"$output"; then
      echo "$output" | head -n 40
      echo "races.sh: $test: the missing barrier was not found: nothing names line $line (status $status)"
      return 1
    fi
  done
  if grep -q "$kernel<true>" <<<"$output"; then
    echo "$output"
    echo "races.sh: the kernel that has its barrier was reported too"
    return 1
  fi
  echo "$test: found, with its two lines"
}

check_checker() {
  planted "$1" a_missing_barrier rotate written read
  planted "$1" blocks_of_a_team take_from_neighbour left taken
}

if [ "${1:-}" = planted ]; then
  check_checker "$2"
  exit
fi

# The pool, without kernels. The checker applies the memory orders as C++ defines them: ARM's
# processors may reorder accepted accesses that those of x86-64 never reorder.
if [ "${1:-}" = pool ]; then
  mkdir -p "$build"
  "${CXX:-c++}" -std=c++20 -O1 -g -fsanitize=thread -I"$here/../include" -I"$here/../src" \
    "$here"/pool_test.cpp "$here"/../src/cpu/pool.cpp "$here"/../src/platform/*.cpp \
    "$here"/../src/core/error.cpp -o "$build/pool_test" -pthread
  checked "$build/pool_test"
  exit
fi

cmake -S "$here/.." -B "$build" -G Ninja -DHALFSTEP_RACES=ON -DHALFSTEP_CUDA=OFF >/dev/null
tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
  mapfile -t tests < <(grep -l '^KERNEL_TEST_MAIN' "$here"/*_test.cpp | xargs -n 1 basename -s .cpp)
fi
ninja -C "$build" -j "${HALFSTEP_JOBS:-$(nproc)}" sim_races_test "${tests[@]}" | tail -n 1
check_checker "$build/test/sim_races_test"

racing=() cut=()
mkdir -p "$build/reports"
for test in "${tests[@]}"; do
  for order in forward reverse; do
    report=$build/reports/$test-$order status=0 begun=$SECONDS
    HALFSTEP_TEST_DEVICES=sim HALFSTEP_SIM_ORDER=$order \
      checked timeout "$seconds" "$build/test/$test" >"$report" || status=$?
    races=$(grep -c 'WARNING: ThreadSanitizer: data race' "$report" || true)
    echo "$test $order: status $status, $races races, $((SECONDS - begun)) s"
    if [ "$status" -eq 124 ]; then cut+=("$test/$order"); fi
    if [ "$status" -ne 0 ] && [ "$status" -ne 124 ] || [ "$races" -gt 0 ]; then racing+=("$report"); fi
  done
done
[ ${#cut[@]} -eq 0 ] || echo "not finished in $seconds s (raise HALFSTEP_RACES_SECONDS): ${cut[*]}"
if [ ${#racing[@]} -gt 0 ]; then
  echo "races or failures: read ${racing[*]}"
  exit 1
fi
echo "no race in ${#tests[@]} tests, in two orders"
