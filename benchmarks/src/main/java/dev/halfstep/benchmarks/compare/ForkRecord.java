package dev.halfstep.benchmarks.compare;

import java.util.List;

/**
 * One process of a comparison, as a line of {@code forks.jsonl}.
 *
 * @param group the group of its works, such as {@code mlp}
 * @param round from 1
 * @param contender the contender
 * @param started the time of its start, ISO 8601
 * @param seconds how long the process took
 * @param measurements the lines that it printed
 */
record ForkRecord(
    String group,
    int round,
    String contender,
    String started,
    double seconds,
    List<Measurement> measurements) {
  /**
   * As {@link dev.halfstep.benchmarks.harness.Fork} prints it. Of the contender {@code machine} the
   * works are {@code gflops} and {@code gb_per_s}, and micros is the number.
   */
  record Measurement(
      String contender,
      String version,
      String work,
      String setting,
      double micros,
      double best,
      int samples,
      List<Double> check) {}
}
