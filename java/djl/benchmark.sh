#!/usr/bin/env bash
# Runs the JMH benchmarks of this module, DJL's own optimizer beside Halfstep's; arguments go to JMH:
#   java/djl/benchmark.sh -f 3 -p threads=1 OptimizerBenchmark.update
# The native library is the one that the last build left.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
./mvnw -q -B -Dexec.skip -pl java/bindings,java/core,java/train,java/djl \
  test-compile dependency:build-classpath -Dmdep.outputFile=target/test-classpath -Dmdep.includeScope=test
export DJL_OFFLINE=true
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" \
  -Dai.djl.offline=true -DOPT_OUT_TRACKING=true "-DDJL_CACHE_DIR=$root/target/djl-cache" \
  "-Dorg.bytedeco.javacpp.cachedir=$root/target/javacpp-cache" -Dai.djl.pytorch.num_interop_threads=1 \
  -cp "java/djl/target/test-classes:java/djl/target/classes:$(cat java/djl/target/test-classpath)" \
  org.openjdk.jmh.Main "$@"
