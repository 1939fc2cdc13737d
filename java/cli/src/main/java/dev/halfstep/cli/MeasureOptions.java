package dev.halfstep.cli;

import dev.halfstep.train.TrainerBuilder;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** The options that say what {@code train} measures beside losses and accuracies. */
final class MeasureOptions {
  private static final Pattern WEIGHT = Pattern.compile("(.+)\\[(\\d{1,9})]");

  @Option(
      names = "--gradient-noise",
      description =
          "Measures the gradient noise scale after each epoch, which takes the time of 128 samples.")
  private boolean gradientNoise;

  @Option(
      names = "--trace",
      paramLabel = "NAME[I],...",
      split = ",",
      description =
          "Follows single weights, such as 1.weight[5]: weight 5 of the tensor 1.weight, row-major.")
  private List<String> traced = List.of();

  /**
   * Applies the options to a trainer.
   *
   * @throws UsageException if there is no such weight
   */
  TrainerBuilder apply(TrainerBuilder trainer) {
    TrainerBuilder result = trainer.gradientNoise(gradientNoise);
    for (String name : traced) {
      Matcher matcher = WEIGHT.matcher(name.strip());
      if (!matcher.matches()) {
        throw new UsageException(
            "--trace " + name + ": names no weight.", "Give it as NAME[I], such as 1.weight[5].");
      }
      try {
        result = result.trace(matcher.group(1), Integer.parseInt(matcher.group(2)));
      } catch (IllegalArgumentException e) {
        throw new UsageException("--trace " + name + ": " + e.getMessage());
      }
    }
    return result;
  }
}
