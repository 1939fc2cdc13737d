#!/usr/bin/env bash
# One step of the native build, for Maven, the launcher and CI. Silent unless it fails.
#   build.sh DIR build [-DOPTION=VALUE ...]      configures DIR and builds the libraries there
#   build.sh DIR install COMPONENT PREFIX        puts a component's libraries (core, cuda) into
#   PREFIX build.sh DIR test [CTEST OPTION ...]         builds all the rest and runs the native
#   tests
set -euo pipefail
source_dir=$(cd "$(dirname "$0")" && pwd)
dir=$1 step=$2
shift 2
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
log=$dir/halfstep-$step.log
jobs=${HALFSTEP_JOBS:-$(nproc)}

# Runs a command and writes its output to the log; if it fails, shows the log from the first error
# on.
logged() {
  if ! "$@" >>"$log" 2>&1; then
    local first
    first=$(grep -n -m1 -E '^FAILED:|CMake Error|The following tests FAILED' "$log" | cut -d: -f1 || true)
    tail -n "+${first:-1}" "$log" | head -n 80 >&2
    echo "native build: '$step' failed; the whole log: $log" >&2
    exit 1
  fi
}

: >"$log"
case $step in
  build)
    # CMake refuses the cache of a build folder that was moved or copied.
    if [ -f "$dir/CMakeCache.txt" ] &&
      ! grep -qxF "CMAKE_CACHEFILE_DIR:INTERNAL=$dir" "$dir/CMakeCache.txt"; then
      rm -rf "$dir" && mkdir -p "$dir"
    fi
    logged cmake -S "$source_dir" -B "$dir" -G Ninja "$@"
    logged cmake --build "$dir" --target libraries -j "$jobs"
    sed -n 's/^-- \(halfstep: \)/\1/p' "$log"
    ;;
  install)
    # Removes the libraries of an earlier build, such as a plug-in that is no longer built.
    # (JavaCPP's glue, libjni*, stays.)
    mkdir -p "$2" && rm -f "$2"/libhalfstep*.so
    logged cmake --install "$dir" --component "$1" --prefix "$2"
    ;;
  test)
    logged cmake --build "$dir" -j "$jobs"
    logged ctest --test-dir "$dir" --output-on-failure -j "$jobs" "$@"
    tail -n 6 "$log" | grep 'tests passed'
    ;;
  *)
    echo "build.sh: unknown step '$step': build, install or test" >&2
    exit 2
    ;;
esac
