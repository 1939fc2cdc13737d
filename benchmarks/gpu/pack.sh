#!/usr/bin/env bash
# Packs the GPU kit: all files that a machine with a GPU needs to run it without Java and network.
#   benchmarks/gpu/pack.sh [FOLDER]        (default: target/gpu-kit)
# Builds what is missing. The folder then holds one archive and run.sh, which explains its use.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
kit=${1:-target/gpu-kit}
junit=1.14.2 # the console of the JUnit that the tests are compiled with
most=$((64 * 1000 * 1000))
export PATH=$PATH:/usr/local/cuda/bin

die() {
  echo "pack.sh: $*" >&2
  exit 1
}

# Makes a Java runtime from the newest JDK that can do so (not every JDK has the files for jlink).
make_runtime() {
  local version home options
  while read -r version home; do
    options=(--compress=zip-0) # xz compresses better
    [ "${version%%.*}" -ge 21 ] || options=(--compress=0)
    # Suppresses a warning, which would change the output of programs that tests start and check.
    [ "${version%%.*}" -lt 22 ] || options+=("--add-options=--enable-native-access=ALL-UNNAMED")
    if "$home/bin/jlink" --output "$1" --strip-debug --no-header-files --no-man-pages \
      "${options[@]}" --add-modules \
      java.base,java.logging,java.management,java.xml,jdk.jfr,jdk.management,jdk.unsupported; then
      sed -n 's/^JAVA_RUNTIME_VERSION=/a runtime of Java /p' "$home/release"
      return
    fi
    rm -rf "$1"
  done < <(for home in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*; do
    [ ! -x "$home/bin/jlink" ] || sed -n "s|^JAVA_VERSION=\"\(.*\)\"|\1 $home|p" "$home/release"
  done | sort -rV)
  die "no JDK with a working jlink in JAVA_HOME or /usr/lib/jvm: install one (17 or later)"
}

# Copies programs without their symbols, with which the tests would be ten times as large.
copy_stripped() {
  local file
  for file in "${@:2}"; do strip -o "$1/$(basename "$file")" "$file"; done
}

echo "building what is missing ..."
./mvnw -q -B -DskipTests -pl java/cli,java/oracle,benchmarks -am test-compile
cmake --build target/native >target/gpu-kit.log || { tail -n 40 target/gpu-kit.log && exit 1; }
./mvnw -q -B -N org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  -Dartifact=org.junit.platform:junit-platform-console-standalone:$junit \
  -DoutputDirectory="$root/target/junit-console"
python3 benchmarks/gpu/kit/halfstep.py native/include/halfstep.h

echo "packing ..."
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/kit "$stage"/native/{sim,tests} "$stage"/java/lib
cp benchmarks/gpu/kit/*.py "$stage/kit"
git describe --always --dirty >"$stage/version.txt"

cp native/include/halfstep.h "$stage/native"
copy_stripped "$stage/native" target/native/libhalfstep.so
copy_stripped "$stage/native/sim" target/native/sim/libhalfstep.so
# The names of the kernels' tests: those that ctest runs on the simulated device.
ctest --test-dir target/native -N -R '_sim_forward$' |
  sed -n 's/.*: \(.*\)_sim_forward$/\1/p' >"$stage/native/tests.txt"
[ -s "$stage/native/tests.txt" ] || die "ctest lists no test for the simulated device"
while IFS= read -r name; do
  copy_stripped "$stage/native/tests" "target/native/test/$name"
done <"$stage/native/tests.txt"

for module in bindings core train report onnx cli cuda oracle; do
  mkdir "$stage/java/$module"
  cp -r "java/$module/target/classes" "$stage/java/$module/classes"
done
for module in core train; do
  cp -r "java/$module/target/test-classes" "$stage/java/$module/test-classes"
done
# The time that each test class took if it ran here: "SECONDS CLASS".
for file in java/{core,train}/target/surefire-reports/TEST-*.xml; do
  [ ! -f "$file" ] ||
    sed -n 's/^<testsuite .* name="\([^"(]*\)[^"]*" time="\([0-9.]*\)".*/\2 \1/p' "$file"
done >"$stage/java/seconds.txt"
mkdir "$stage/java/benchmarks"
cp -r benchmarks/target/classes "$stage/java/benchmarks/classes"
cp java/cli/target/lib/*.jar target/junit-console/*-"$junit".jar "$stage/java/lib"
cp benchmarks/target/lib/{jmh-core,jopt-simple,commons-math3}-*.jar "$stage/java/lib"
# The CUDA presets: their classes, and the glue to the three libraries that the oracle calls.
cp java/oracle/target/lib/cuda-*.jar "$stage/java/lib"
for glue in "$stage"/java/lib/cuda-*-linux-x86_64.jar; do
  python3 benchmarks/gpu/kit/keep.py "$glue" 'libjni(cudart|cublas|cublasLt|cudnn)\.so$'
done
make_runtime "$stage/java/jre"
plugin=$stage/java/cuda/classes/dev/halfstep/cuda/linux-x86_64/libhalfstep_cuda.so
if [ -f "$plugin" ]; then
  cp "$plugin" "$stage/native"
else
  echo "without the CUDA plug-in, since nvcc was not found: this kit can only be rehearsed"
fi
if [ -d ../shared/data/mnist ]; then
  mkdir -p "$stage/shared/data" && cp -r ../shared/data/mnist "$stage/shared/data"
  chmod -R u+w "$stage/shared"
else
  echo "without MNIST, which is not in ../shared/data/mnist: training takes drawn digits"
fi

rm -rf "$kit" && mkdir -p "$kit"
# The test programs share most of their code: a dictionary as large as all of them compresses it
# once.
tar -C "$stage" --sort=name -cf - . | xz -T0 --lzma2=preset=1,dict=64MiB >"$kit/payload.tar.xz"
cp benchmarks/gpu/run.sh "$kit"
size=$(cat "$kit"/* | wc -c)
echo "$kit: $size bytes of $most; there: $kit/run.sh OUT"
[ "$size" -lt "$most" ] || die "the kit is too large"
