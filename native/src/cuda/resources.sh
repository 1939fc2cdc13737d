#!/usr/bin/env bash
# Checks and shows the resources that the kernels need of a multiprocessor, as ptxas reports them.
#   resources.sh record OBJECT COMMAND...   compiles with COMMAND; the report goes to OBJECT.ptxas
#   resources.sh check OBJECT...            prints a table of all kernels: registers of a thread,
#   static
#                                           shared memory of a block (the launchers ask for the
#                                           rest), and bytes of local memory: stack, stores and
#                                           loads of spilled registers. Fails if a kernel has any: all are hot.
#   resources.sh page OBJECT...             prints a summary, benchmarks/results/cuda-resources.md
set -euo pipefail
step=$1
shift

# Prints a line for each kernel and architecture: architecture, registers, static shared memory,
# stack, stores, loads, source file, kernel.
kernels() {
  local reports=() object
  for object in "$@"; do
    if [ -s "$object.ptxas" ]; then reports+=("$object.ptxas"); fi
  done
  [ ${#reports[@]} -gt 0 ] ||
    { echo "ptxas has reported nothing: build halfstep_cuda first" >&2; return 1; }
  awk '
    FNR == 1 { file = FILENAME; sub(/.*\//, "", file); sub(/\.o\.ptxas$/, "", file) }
    /Compiling entry function/ { split($0, part, "\x27"); kernel = part[2]; arch = part[4] }
    /bytes stack frame/ { stack = $1; stores = $5; loads = $9 }
    /: Used [0-9]+ registers/ {
      registers = shared = 0
      for (i = 2; i <= NF; ++i) {
        if ($i ~ /^registers/) registers = $(i - 1)
        if ($i ~ /^smem/) shared = $(i - 2)
      }
      printf "%-7s %9d %6d %5d %6d %5d  %-20s  %s\n", arch, registers, shared, stack, stores, loads, file, kernel
    }' "${reports[@]}" |
    c++filt | sed -E 's/void |hs::(cuda::)?|\(anonymous namespace\)::| +$//g; s/>\(.*$/>/; /</!s/\(.*$//' |
    sort -k7 -k1,1
}

case $step in
  record)
    object=$1
    shift
    status=0
    "$@" 2>"$object.messages" || status=$?
    report='^ptxas info|^ +[0-9]+ bytes stack frame'
    grep -E "$report" "$object.messages" >"$object.ptxas" || true
    grep -vE "$report" "$object.messages" >&2 || true
    rm "$object.messages"
    exit "$status"
    ;;
  check)
    table=$(kernels "$@")
    echo "arch    registers shared stack stores loads  file                  kernel"
    echo "$table"
    spilled=$(awk '$4 + $5 + $6 > 0' <<<"$table")
    if [ -n "$spilled" ]; then
      echo "these kernels keep values in local memory (give them registers, or less to hold):"
      echo "$spilled"
      exit 1
    fi
    ;;
  page)
    table=$(kernels "$@")
    cat <<END
# What the CUDA kernels take of a multiprocessor

ptxas of $(nvcc --version | sed -n 's/.*release [0-9.]*, V\(.*\)/nvcc \1/p'), $(date +%F), commit $(git -C "$(dirname "$0")" rev-parse --short HEAD). Made anew by

    native/build.sh target/native build
    native/src/cuda/resources.sh page \$(find target/native -name '*.cu.o') >benchmarks/results/cuda-resources.md

Registers are those of a thread, from the leanest to the largest of a kernel's variants (storage types,
widths of access, layouts). Warps: how many of the 64 (sm_80, sm_90a) of a multiprocessor the largest
variant's registers leave room for; the blocks' sizes and shared memory may leave fewer. Shared memory
is what the compiler knows of: nearly all kernels have one structure in dynamic shared memory, of which
ptxas knows nothing; each launcher asks for its size, in the .shared_bytes of its LaunchShape. Spills
are bytes of local memory: stack, stores and loads; the test cuda_resources fails if there are any.
All of this is the compiler's report; what was measured stands in hopper-2026-11-27.

| file | kernel | variants | registers sm_80 | registers sm_90a | warps sm_80, sm_90a | static shared memory | spills |
|---|---|--:|--:|--:|--:|--:|--:|
END
    awk '
      function range(of) { return least[of] == most[of] ? most[of] : least[of] "-" most[of] }
      # Registers are allocated in units of eight per thread, for 32 threads at once.
      function warps(of, n) { n = int(65536 / (32 * int((most[of] + 7) / 8) * 8)); return n < 64 ? n : 64 }
      {
        name = $8
        sub(/[<(].*/, "", name)
        key = $7 " " name
        if (!(key in spills)) keys[++count] = key
        of = key " " $1
        if (!(of in most) || $2 > most[of]) most[of] = $2
        if (!(of in least) || $2 < least[of]) least[of] = $2
        if ($3 > shared[key]) shared[key] = $3
        if ($1 == "sm_90a") ++variants[key]
        spills[key] += $4 + $5 + $6
      }
      END {
        for (i = 1; i <= count; ++i) {
          key = keys[i]
          split(key, part, " ")
          old = key " sm_80"
          new = key " sm_90a"
          printf "| %s | `%s` | %d | %s | %s | %d, %d | %d | %d |\n", part[1], part[2], variants[key],
            range(old), range(new), warps(old), warps(new), shared[key], spills[key]
        }
      }' <<<"$table"
    ;;
  *)
    echo "resources.sh: unknown step '$step': record, check or page" >&2
    exit 2
    ;;
esac
