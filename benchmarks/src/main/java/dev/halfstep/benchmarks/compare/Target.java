package dev.halfstep.benchmarks.compare;

import dev.halfstep.benchmarks.compare.Comparison.Entry;
import dev.halfstep.benchmarks.compare.Statistics.Estimate;
import java.util.List;

/**
 * A target: how many times as fast as a peer Halfstep should be.
 *
 * @param work the work
 * @param peer a contender, or a contender with a setting; empty for the best of all
 * @param ratio reached when the whole interval is at or above it
 */
record Target(String work, String peer, double ratio) {
  /** The targets on two cores. "Not slower" is 0.95: smaller differences are noise. */
  static final List<Target> ALL =
      List.of(
          new Target("mlp/1", "", 5),
          new Target("mlp/8", "", 4),
          new Target("mlp/16", "", 3.5),
          new Target("mlp/32", "", 3.5),
          new Target("mlp/64", "", 3),
          new Target("mlp/128", "", 2.5),
          new Target("mlp/256", "", 2.1),
          new Target("mlp/1024", "", 1.5),
          new Target("cnn/64", "", 2.1),
          new Target("matmul/1x1024", "onednn", 0.95),
          new Target("matmul/64x128", "onednn", 0.95),
          new Target("matmul/1024x32", "", 1.2),
          new Target("matmul/4096x16", "", 1.3),
          new Target("cross_entropy/64x1000", "", 5),
          new Target("cross_entropy/1024x1000", "", 5),
          new Target("cross_entropy/256x50257", "", 10),
          new Target("batch_norm/64x64x28", "", 3),
          new Target("adamw/100000000", "fused", 0.95),
          new Target("adamw/100000000", "optim", 6));

  /** Whether a contender is one of the target's peers. */
  boolean isAgainst(Entry entry) {
    return !entry.contender().startsWith("halfstep")
        && (peer.isEmpty() || entry.contender().equals(peer) || entry.setting().contains(peer));
  }

  /** Says in words whether the target is reached. */
  String verdict(Estimate measured) {
    if (measured.low() >= ratio) {
      return measured.isSure() ? "reached" : "reached so far";
    }
    return measured.median() >= ratio ? "not sure" : "missed";
  }
}
