#!/usr/bin/env bash
# Runs the GPU kit, which pack.sh made, on the machine where this folder was carried to:
#   run.sh OUT [native,java,torch,train,throughput,sanitizer] [--device cuda|sim|cpu] [--time-limit SECONDS]
# It needs Python 3 and an NVIDIA driver; for the comparison PyTorch, for the sanitizers the CUDA
# toolkit. Leaves report.json, report.md and a log for each part in OUT, written as it goes.
# Ends with 0: all passed, 1: something failed, 3: a part was skipped.
set -euo pipefail
begun=$(date +%s)
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A Python with PyTorch, else one with NumPy, else any.
find_python() {
  local module candidate
  local test="import importlib.util as u, sys; sys.exit(not u.find_spec(sys.argv[1]))"
  for module in torch numpy sys; do
    for candidate in python3 /usr/bin/python3; do
      if "$candidate" -c "$test" "$module" 2>/dev/null; then
        echo "$candidate"
        return
      fi
    done
  done
  echo "run.sh: there is no python3 on this machine" >&2
  exit 1
}
python=$(find_python)

# Beside nothing that belongs to others, and on a disk that programs may be started from.
work=$(mktemp -d "${TMPDIR:-/tmp}/halfstep-kit.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$python" -c "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])" \
  "$kit/payload.tar.xz" "$work" 2>"$work/log" || tar -xJf "$kit/payload.tar.xz" -C "$work" || {
  cat "$work/log" >&2
  echo "run.sh: $kit/payload.tar.xz cannot be unpacked" >&2
  exit 1
}
"$python" "$work/kit/run.py" --begun "$begun" "$@"
