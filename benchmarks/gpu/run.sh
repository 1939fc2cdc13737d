#!/usr/bin/env bash
# Runs the GPU kit, which pack.sh made, on the machine to which this folder was copied:
#   run.sh OUT [native,java,torch,train,throughput,sanitizer] [--device cuda|sim|cpu] [--time-limit
#   SECONDS]
# It needs Python 3 and an NVIDIA driver, PyTorch for the comparison, and the CUDA toolkit for the
# sanitizers. Writes report.json, report.md and a log for each part to OUT while it runs.
# Exit status: 0 if all passed, 1 if something failed, 3 if a part was skipped.
set -euo pipefail
begun=$(date +%s)
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Finds a Python with PyTorch, otherwise one with NumPy, otherwise any.
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

# A new folder for the kit's files; the disk must allow programs to run from it.
work=$(mktemp -d "${TMPDIR:-/tmp}/halfstep-kit.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$python" -c "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])" \
  "$kit/payload.tar.xz" "$work" 2>"$work/log" || tar -xJf "$kit/payload.tar.xz" -C "$work" || {
  cat "$work/log" >&2
  echo "run.sh: $kit/payload.tar.xz cannot be unpacked" >&2
  exit 1
}
"$python" "$work/kit/run.py" --begun "$begun" "$@"
