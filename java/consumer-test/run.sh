#!/usr/bin/env bash
# Installs the artifacts into target/consumer-repo (never into ~/.m2), builds this project from there
# and runs it on the class path, on the module path, from two class loaders, from class loaders that
# are dropped, and on a runtime of java.base alone, on every JDK of version 17 or later in JAVA_HOME,
# on PATH and in /usr/lib/jvm; and once with each of some older versions of JavaCPP, one of which Maven
# takes where another library depends on it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
log=$root/target/consumer-test.log
halfstep=$(sed -n 's:.*<revision>\(.*\)</revision>.*:\1:p' pom.xml)
# The second folder is only read: what is there need not be downloaded again.
repository=(-Dmaven.repo.local="$root/target/consumer-repo"
  -Dmaven.repo.local.tail="${MAVEN_REPO:-$HOME/.m2/repository}")

quietly() {
  "$@" >"$log" 2>&1 </dev/null || {
    grep -E 'ERROR|error:|FAILED' "$log" | head -n 40 >&2
    echo "consumer test: building failed; the whole log: $log" >&2
    exit 1
  }
}

rm -rf target/consumer-repo/dev/halfstep target/consumer-cache
quietly ./mvnw -B "${repository[@]}" -DskipTests -Dspotless.check.skip=true install
quietly ./mvnw -B "${repository[@]}" -f java/consumer-test/pom.xml "-Dhalfstep.version=$halfstep" \
  clean package

jar=$here/target/consumer-test-1.jar
older_javacpp="1.5.7 1.5.10" # the present one is in target/lib
for javacpp in $older_javacpp; do
  for artifact in javacpp:$javacpp:jar javacpp:$javacpp:jar:linux-x86_64; do
    quietly ./mvnw -B "${repository[@]}" org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy \
      -Dartifact="org.bytedeco:$artifact" -DoutputDirectory="$here/target/javacpp-$javacpp"
  done
done
passed=0 failed=0

# check NAME COMMAND...: runs a consumer, with an empty JavaCPP cache of its own.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok   $name"
    passed=$((passed + 1))
  else
    printf 'FAIL %s\n%s\n' "$name" "$output"
    failed=$((failed + 1))
  fi
}

# check_small_runtime VERSION HOME: on a runtime that jlink made of java.base alone, without Flight
# Recorder and jdk.unsupported.
check_small_runtime() {
  local runtime=$root/target/consumer-runtime/$1
  rm -rf "$runtime"
  if ! "$2/bin/jlink" --add-modules java.base --output "$runtime" >"$log" 2>&1; then
    echo "skip JDK $1, java.base alone: it has no jlink or no modules"
    return
  fi
  check "JDK $1, java.base alone" "$runtime/bin/java" \
    "-Dorg.bytedeco.javacpp.cachedir=$root/target/consumer-cache/$1" \
    -cp "$jar:$here/target/lib/*" dev.halfstep.consumer.Consumer
}

seen=" "
for home in "${JAVA_HOME:-}" "$(readlink -f "$(command -v java || true)" | sed 's#/bin/java$##')" \
  /usr/lib/jvm/*; do
  home=$(readlink -f "$home" || true)
  version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release" 2>/dev/null) || continue
  if [ "${version:-0}" -lt 17 ] || [[ $seen == *" $version "* ]]; then continue; fi
  seen+="$version "
  java=("$home/bin/java" "-Dorg.bytedeco.javacpp.cachedir=$root/target/consumer-cache/$version")
  check "JDK $version, class path" "${java[@]}" -cp "$jar:$here/target/lib/*" dev.halfstep.consumer.Consumer
  check "JDK $version, module path" "${java[@]}" -p "$jar:$here/target/lib" -m dev.halfstep.consumer/dev.halfstep.consumer.Consumer
  check "JDK $version, two class loaders" "${java[@]}" -cp "$jar:$here/target/lib/*" dev.halfstep.consumer.TwoLoaders
  check "JDK $version, class loaders are collected" "${java[@]}" -Dorg.bytedeco.javacpp.nopointergc=true \
    -cp "$jar:$here/target/lib/*" dev.halfstep.consumer.Redeployment
  check_small_runtime "$version" "$home"
done

java=("${JAVA_HOME:+$JAVA_HOME/bin/}java")
present=$(printf '%s\n' "$here"/target/lib/*.jar | grep -v /javacpp- | paste -sd:)
natives=$(printf '%s\n' "$here"/target/lib/javacpp-*-linux-x86_64.jar)
for javacpp in $older_javacpp; do
  cache="-Dorg.bytedeco.javacpp.cachedir=$root/target/consumer-cache/javacpp-$javacpp"
  older=$here/target/javacpp-$javacpp
  check "JavaCPP $javacpp" "${java[@]}" "$cache" -cp "$jar:$present:$older/*" dev.halfstep.consumer.Consumer
  # What Maven resolves beside a library of that version: its classes, and the natives that
  # halfstep-platform names.
  check "JavaCPP $javacpp, newer natives" "${java[@]}" "$cache" \
    -cp "$jar:$present:$older/javacpp-$javacpp.jar:$natives" dev.halfstep.consumer.Consumer
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
