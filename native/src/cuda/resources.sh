#!/usr/bin/env bash
# What the kernels take of a multiprocessor, as ptxas reports it.
#   resources.sh record OBJECT COMMAND...   compiles with COMMAND; the report goes to OBJECT.ptxas
#   resources.sh check OBJECT...            prints a table of all kernels: registers of a thread, static
#                                           shared memory of a block (the launchers ask for the rest),
#                                           and bytes of local memory: stack, stores and loads of
#                                           spilled registers. Fails if there are any: all are hot.
set -euo pipefail
step=$1
shift
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
    reports=()
    for object in "$@"; do
      if [ -s "$object.ptxas" ]; then reports+=("$object.ptxas"); fi
    done
    [ ${#reports[@]} -gt 0 ] || { echo "ptxas has reported nothing: build halfstep_cuda first"; exit 1; }
    table=$(awk '
      /Compiling entry function/ { split($0, part, "\x27"); kernel = part[2]; arch = part[4] }
      /bytes stack frame/ { stack = $1; stores = $5; loads = $9 }
      /: Used [0-9]+ registers/ {
        registers = shared = 0
        for (i = 2; i <= NF; ++i) {
          if ($i ~ /^registers/) registers = $(i - 1)
          if ($i ~ /^smem/) shared = $(i - 2)
        }
        printf "%-7s %9d %6d %5d %6d %5d  %s\n", arch, registers, shared, stack, stores, loads, kernel
      }' "${reports[@]}" |
      c++filt | sed -E 's/void |hs::(cuda::)?|\(anonymous namespace\):://g; s/>\(.*$/>/; t; s/\(.*$//' |
      sort -k7 -k1,1)
    echo "arch    registers shared stack stores loads  kernel"
    echo "$table"
    spilled=$(awk '$4 + $5 + $6 > 0' <<<"$table")
    if [ -n "$spilled" ]; then
      echo "these kernels keep values in local memory (give them registers, or less to hold):"
      echo "$spilled"
      exit 1
    fi
    ;;
  *)
    echo "resources.sh: unknown step '$step': record or check" >&2
    exit 2
    ;;
esac
