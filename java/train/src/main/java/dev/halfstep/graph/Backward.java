package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.kernel.Elementwise;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reverse-mode differentiation: the gradient of the loss with respect to each value, collected from
 * the operations that use it, in a fixed order. The first writer of a gradient stores (beta = 0),
 * later ones add (beta = 1).
 */
public final class Backward {
  /**
   * Where a kernel leaves its contribution: {@code value = contribution + beta * value}.
   *
   * @param beta 0 for the first contribution, otherwise 1
   */
  public record Target(Value value, float beta) {}

  private final Graph graph;
  private final Calls calls;
  private final boolean accumulate;
  private final Map<Value, Value> gradients = new HashMap<>();
  private final Set<Value> owned = new HashSet<>();

  Backward(Graph graph, Calls calls, boolean accumulate) {
    this.graph = graph;
    this.calls = calls;
    this.accumulate = accumulate;
  }

  /** Adds a call. */
  public void add(Call call) {
    calls.add(call);
  }

  /** Whether the loss depends on this value by an operation that has been visited. */
  public boolean has(Value value) {
    return gradients.containsKey(value);
  }

  /** The complete gradient of an operation's output. */
  public Value of(Value output) {
    Value gradient = gradients.get(output);
    if (gradient == null) {
      throw new IllegalStateException(output + " has no gradient: nothing that has one uses it");
    }
    return gradient;
  }

  /** Where a kernel that can add to its output leaves its contribution to a value's gradient. */
  public Target into(Value value) {
    Value known = gradients.get(value);
    if (value.place() instanceof Value.Place.OfParameter of) {
      if (known != null) {
        return new Target(known, 1);
      }
      Value gradient = graph.gradientOf(of.parameter());
      gradients.put(value, gradient);
      return new Target(gradient, accumulate ? 1 : 0);
    }
    if (known == null) {
      return new Target(own(value, create(value)), 0);
    }
    if (!owned.contains(known)) {
      Value copy = create(value);
      add(Call.of("gradient copy", List.of(known), List.of(copy), 0, copy(known, copy)));
      return new Target(own(value, copy), 1);
    }
    return new Target(known, 1);
  }

  /** A new value for a contribution to be {@link #give given}, shaped and typed as the value. */
  public Value create(Value value) {
    return graph.value("d " + value.name(), value.type(), value.shape());
  }

  /** Hands in a contribution that has been computed; it may be another value's gradient as well. */
  public void give(Value value, Value contribution) {
    if (value.place() instanceof Value.Place.OfParameter) {
      giveToParameter(value, contribution);
      return;
    }
    Value known = gradients.get(value);
    if (known == null) {
      gradients.put(value, contribution);
    } else {
      Value sum = create(value);
      add(sum(sum));
      own(value, sum);
    }
  }

  private void giveToParameter(Value value, Value contribution) {
    Value exact = contribution;
    if (contribution.type() != DType.F32) {
      exact = graph.value(contribution.name(), DType.F32, value.shape());
      add(
          Call.of(
              "gradient cast",
              List.of(contribution),
              List.of(exact),
              0,
              cast(contribution, exact)));
    }
    Target target = into(value);
    if (target.beta() == 0) {
      add(
          Call.of(
              "gradient copy",
              List.of(exact),
              List.of(target.value()),
              0,
              copy(exact, target.value())));
    } else {
      add(sum(target.value()));
    }
  }

  private Value own(Value value, Value gradient) {
    gradients.put(value, gradient);
    owned.add(gradient);
    return gradient;
  }

  private Call sum(Value y) {
    throw graph.refusal("two operations that cannot add to a gradient both use " + y.name());
  }

  private static Call.Kernel copy(Value from, Value to) {
    return (stream, at) -> Elementwise.copy(stream, at.of(to), at.of(from), to.bytes());
  }

  private static Call.Kernel cast(Value from, Value to) {
    return (stream, at) ->
        Elementwise.cast(
            stream, from.type(), at.of(from), to.type(), at.of(to), to.shape().elements());
  }
}
