package dev.halfstep.optim;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.StepOps;
import dev.halfstep.graph.Value;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A user-defined loss, made by {@link Loss#of}, {@link Loss#ofLabels} and {@link Loss#ofNamed}.
 *
 * @param type the type of the only target; null if the function takes outputs and targets by name
 */
record FunctionLoss(String name, @Nullable DType type, NamedFunction losses) implements Loss {
  private static final String ONLY = "only";

  FunctionLoss {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(losses, "losses");
  }

  /** A loss of the only output and the only target. */
  static FunctionLoss ofOne(String name, DType type, Function losses) {
    Objects.requireNonNull(losses, "losses");
    return new FunctionLoss(
        name,
        type,
        (outputs, targets) ->
            losses.apply(
                Objects.requireNonNull(outputs.get(ONLY)),
                Objects.requireNonNull(targets.get(ONLY))));
  }

  @Override
  public boolean takesNames() {
    return type == null;
  }

  @Override
  public DType targetType() {
    if (type == null) {
      throw new IllegalStateException(
          "the loss " + name + " takes its targets by name: the data say what they are");
    }
    return type;
  }

  @Override
  public Shape targetShape(Shape output) {
    return targetType() == DType.F32
        ? output
        : Shape.of(Arrays.copyOf(output.toArray(), Math.max(output.rank() - 1, 0)));
  }

  @Override
  public void add(Value output, Value targets, Value state, float seed) {
    addAll(Map.of(ONLY, output), Map.of(ONLY, targets), state, seed);
  }

  @Override
  public void add(Map<String, Value> outputs, Map<String, Value> targets, Value state, float seed) {
    if (takesNames()) {
      addAll(outputs, targets, state, seed);
    } else {
      Loss.super.add(outputs, targets, state, seed);
    }
  }

  private void addAll(
      Map<String, Value> outputs, Map<String, Value> targets, Value state, float seed) {
    Value first = outputs.values().iterator().next();
    Graph graph = first.graph();
    Map<String, Value> numbers = new LinkedHashMap<>();
    outputs.forEach((output, value) -> numbers.put(output, Ops.cast(value, DType.F32)));
    Value found =
        losses.apply(
            new NamedValues(graph, name, "output", numbers),
            new NamedValues(graph, name, "target", targets));
    if (found == null) {
      throw graph.refusal("the loss " + name + " gave null: it must give a value");
    }
    if (takesNames()
        && (found.shape().rank() < 1 || found.shape().dim(0) != first.shape().dim(0))) {
      throw graph.refusal(
          "the loss "
              + name
              + " gave "
              + found.shape()
              + " for a batch of "
              + first.shape().dim(0)
              + ": it must give a loss for each sample, [batch]");
    }
    StepOps.meanLoss(found, state, seed);
  }

  @Override
  public String toString() {
    return name;
  }
}
