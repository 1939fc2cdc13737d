package dev.halfstep.cli;

import dev.halfstep.train.AdamW;
import dev.halfstep.train.Optimizer;
import dev.halfstep.train.Sgd;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that choose the optimizer and set it. */
final class OptimizerOptions {
  private static final List<String> NAMES = List.of("adamw", "sgd");

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      defaultValue = "adamw",
      description = "adamw or sgd (default: ${DEFAULT-VALUE}).")
  private String name = "adamw";

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      description = "Learning rate (default: 0.001 with adamw, 0.01 with sgd).")
  private @Nullable Double learningRate;

  @Option(
      names = "--momentum",
      paramLabel = "M",
      description = "Momentum of sgd, in [0, 1) (default: 0.9).")
  private @Nullable Double momentum;

  @Option(
      names = "--weight-decay",
      paramLabel = "WD",
      description =
          "Weight decay; biases have none (default: 0.01 with adamw, where it is decoupled, and 0"
              + " with sgd).")
  private @Nullable Double weightDecay;

  /**
   * The optimizer that was asked for.
   *
   * @throws UsageException if there is none of that name, or a value is impossible
   */
  Optimizer optimizer() {
    if (!NAMES.contains(name)) {
      throw new UsageException(
          "unknown --optimizer '" + name + "'." + Suggestion.didYouMean(name, NAMES),
          "Possible are adamw and sgd.");
    }
    boolean sgd = name.equals("sgd");
    double rate = learningRate == null ? (sgd ? 0.01 : 0.001) : learningRate;
    if (!(rate > 0 && rate <= Float.MAX_VALUE)) {
      throw new UsageException("--lr must be a finite number above 0, not " + rate);
    }
    if (momentum != null && !sgd) {
      throw new UsageException("--momentum is sgd's, but --optimizer is " + name);
    }
    if (momentum != null && !(momentum >= 0 && momentum < 1)) {
      throw new UsageException("--momentum must be at least 0 and below 1, not " + momentum);
    }
    if (weightDecay != null && !(weightDecay >= 0 && weightDecay <= Float.MAX_VALUE)) {
      throw new UsageException(
          "--weight-decay must be a finite number of at least 0, not " + weightDecay);
    }
    if (sgd) {
      Sgd result = Optimizer.sgd(rate).withMomentum(momentum == null ? 0.9 : momentum);
      return weightDecay == null ? result : result.withWeightDecay(weightDecay);
    }
    AdamW result = Optimizer.adamW(rate);
    return weightDecay == null ? result : result.withWeightDecay(weightDecay);
  }
}
