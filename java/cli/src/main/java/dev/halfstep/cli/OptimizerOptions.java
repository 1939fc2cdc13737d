package dev.halfstep.cli;

import dev.halfstep.optim.Lars;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.optim.ParameterGroup;
import dev.halfstep.optim.Sgd;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that choose the optimizer and its settings. */
final class OptimizerOptions {
  private static final Pattern GROUP = Pattern.compile("([^=]+)=([^,]+)(?:,(.+))?");
  private static final List<String> NAMES = List.of("sgd", "adam", "adamw", "lars", "lamb");

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      defaultValue = "adamw",
      description = "sgd, adam, adamw, lars or lamb (default: ${DEFAULT-VALUE}).")
  private String name = "adamw";

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      description =
          "Learning rate (default: 0.001 with adam, adamw and lamb, 0.01 with sgd, 0.1 with lars).")
  private @Nullable Double learningRate;

  @Option(
      names = "--momentum",
      paramLabel = "M",
      description = "Momentum of sgd and lars, in [0, 1) (default: 0.9).")
  private @Nullable Double momentum;

  @Option(
      names = "--weight-decay",
      paramLabel = "WD",
      description =
          "Weight decay; biases have none (default: 0.01 with adamw and lamb, where it is"
              + " decoupled, 0.0001 with lars, 0 with sgd and adam).")
  private @Nullable Double weightDecay;

  @Option(
      names = "--group",
      paramLabel = "PATTERN=RATE[,DECAY]",
      description =
          "Multiplies learning rate and weight decay by these factors for parameters whose names"
              + " match, such as '1.*=0.1,0': * stands for any characters, ? for one. May be given"
              + " several times; the first group that matches a parameter counts.")
  private List<String> groups = List.of();

  /**
   * The groups that were asked for.
   *
   * @throws UsageException if one is no group
   */
  List<ParameterGroup> groups() {
    return groups.stream().map(OptimizerOptions::group).toList();
  }

  private static ParameterGroup group(String text) {
    Matcher parts = GROUP.matcher(text);
    if (!parts.matches()) {
      throw new UsageException(
          "--group must be PATTERN=RATE or PATTERN=RATE,DECAY, such as '1.*=0.1,0', not " + text);
    }
    try {
      ParameterGroup group =
          ParameterGroup.of(parts.group(1)).withRate(Double.parseDouble(parts.group(2)));
      String decay = parts.group(3);
      return decay == null ? group : group.withDecay(Double.parseDouble(decay));
    } catch (NumberFormatException e) {
      throw new UsageException("--group " + text + ": the factors are not numbers");
    } catch (IllegalArgumentException e) {
      throw new UsageException("--group " + text + ": " + e.getMessage());
    }
  }

  /**
   * The optimizer that was asked for.
   *
   * @throws UsageException if there is none of that name, or a value is impossible
   */
  Optimizer optimizer() {
    Optimizer defaults =
        switch (name) {
          case "sgd" -> Optimizer.sgd(rate(0.01)).withMomentum(0.9);
          case "adam" -> Optimizer.adam(rate(0.001));
          case "adamw" -> Optimizer.adamW(rate(0.001));
          case "lars" -> Optimizer.lars(rate(0.1));
          case "lamb" -> Optimizer.lamb(rate(0.001));
          default ->
              throw new UsageException(
                  "unknown --optimizer '" + name + "'." + Suggestion.didYouMean(name, NAMES),
                  "Possible are sgd, adam, adamw, lars and lamb.");
        };
    Optimizer result = withMomentum(defaults);
    if (weightDecay == null) {
      return result;
    }
    if (!(weightDecay >= 0 && weightDecay <= Float.MAX_VALUE)) {
      throw new UsageException(
          "--weight-decay must be a finite number of at least 0, not " + weightDecay);
    }
    return result.withWeightDecay(weightDecay);
  }

  private double rate(double otherwise) {
    double rate = learningRate == null ? otherwise : learningRate;
    if (!(rate > 0 && rate <= Float.MAX_VALUE)) {
      throw new UsageException("--lr must be a finite number above 0, not " + rate);
    }
    return rate;
  }

  private Optimizer withMomentum(Optimizer optimizer) {
    if (momentum == null) {
      return optimizer;
    }
    if (!(optimizer instanceof Sgd) && !(optimizer instanceof Lars)) {
      throw new UsageException("--momentum is for sgd and lars, but --optimizer is " + name);
    }
    if (!(momentum >= 0 && momentum < 1)) {
      throw new UsageException("--momentum must be at least 0 and below 1, not " + momentum);
    }
    return optimizer instanceof Sgd sgd
        ? sgd.withMomentum(momentum)
        : ((Lars) optimizer).withMomentum(momentum);
  }
}
