package dev.halfstep.optim;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.StepOps;
import dev.halfstep.graph.Value;
import java.util.Arrays;
import java.util.Objects;

/** A loss of a user's own, made by {@link Loss#of} and {@link Loss#ofLabels}. */
record FunctionLoss(String name, DType targetType, Function losses) implements Loss {
  FunctionLoss {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(losses, "losses");
  }

  @Override
  public Shape targetShape(Shape output) {
    return targetType == DType.F32
        ? output
        : Shape.of(Arrays.copyOf(output.toArray(), Math.max(output.rank() - 1, 0)));
  }

  @Override
  public void add(Value output, Value targets, Value state, float seed) {
    Value found = losses.apply(Ops.cast(output, DType.F32), targets);
    if (found == null) {
      throw output.graph().refusal("the loss " + name + " gave null: it must give a value");
    }
    StepOps.meanLoss(found, state, seed);
  }

  @Override
  public String toString() {
    return name;
  }
}
