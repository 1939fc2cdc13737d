package dev.halfstep.optim;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.StepOps;
import dev.halfstep.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** A loss of a user's own over outputs and targets by name, made by {@link Loss#ofNamed}. */
record NamedLoss(String name, NamedFunction losses) implements Loss {
  NamedLoss {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(losses, "losses");
  }

  @Override
  public boolean takesNames() {
    return true;
  }

  @Override
  public DType targetType() {
    throw noSingleTarget();
  }

  @Override
  public Shape targetShape(Shape output) {
    throw noSingleTarget();
  }

  private IllegalStateException noSingleTarget() {
    return new IllegalStateException(
        "the loss " + name + " takes its targets by name: the data say what they are");
  }

  @Override
  public void add(Value output, Value targets, Value state, float seed) {
    throw new IllegalStateException(
        "the loss " + name + " takes outputs and targets by name: add it with maps of them");
  }

  @Override
  public void add(Map<String, Value> outputs, Map<String, Value> targets, Value state, float seed) {
    Graph graph = state.graph();
    Map<String, Value> numbers = new LinkedHashMap<>();
    outputs.forEach((output, value) -> numbers.put(output, Ops.cast(value, DType.F32)));
    Value found =
        losses.apply(
            new NamedValues(graph, name, "output", numbers),
            new NamedValues(graph, name, "target", targets));
    if (found == null) {
      throw graph.refusal("the loss " + name + " gave null: it must give a value");
    }
    long rows = outputs.values().iterator().next().shape().dim(0);
    if (found.shape().rank() < 1 || found.shape().dim(0) != rows) {
      throw graph.refusal(
          "the loss "
              + name
              + " gave "
              + found.shape()
              + " for a batch of "
              + rows
              + ": it must give a loss for each sample, [batch]");
    }
    StepOps.meanLoss(found, state, seed);
  }

  @Override
  public String toString() {
    return name;
  }
}
