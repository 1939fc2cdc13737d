package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.kernel.Copy;
import dev.halfstep.kernel.ScaleAddKernel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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

  /** The value that an operation saved in the forward pass for its gradient. */
  Value saved(@Nullable Value value) {
    if (value == null) {
      throw new IllegalStateException("the graph was built for evaluation: it has no gradients");
    }
    return value;
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
      add(copied(known, copy));
      return new Target(own(value, copy), 1);
    }
    return new Target(known, 1);
  }

  /** A new value of the same shape and type, for a contribution to hand to {@link #give}. */
  public Value create(Value value) {
    return graph.value("d " + value.name(), value.type(), value.shape());
  }

  /**
   * As {@link #into}, for a kernel that can write one type only. If the gradient has another type,
   * the target is a temporary value in the arena; {@link #finish(Value, Target)} then adds it to
   * the gradient.
   */
  Target intoTyped(Value value, DType type) {
    boolean parameter = value.place() instanceof Value.Place.OfParameter;
    boolean direct = type == (parameter ? DType.F32 : value.type());
    return direct
        ? into(value)
        : new Target(graph.value("d " + value.name(), type, value.shape()), 0);
  }

  /** Adds the target of {@link #intoTyped} to the gradient if it is a temporary value. */
  void finish(Value value, Target target) {
    if (gradients.get(value) != target.value()) {
      give(value, target.value());
    }
  }

  /**
   * Where a kernel leaves two gradients that it writes with one beta.
   *
   * @param beta 0 to store, 1 to add to what both hold
   * @param first the first gradient, F32
   * @param second the second, F32
   * @param later temporary values to add to the gradients after the kernel's call
   */
  record Pair(float beta, Value first, Value second, List<Contribution> later) {
    /** The values that the call reads beside its inputs: both gradients if it adds to them. */
    List<Value> read() {
      return beta == 0 ? List.of() : List.of(first, second);
    }
  }

  /** A value and a contribution to its gradient, which lies in a temporary value. */
  record Contribution(Value value, Value gradient) {}

  /**
   * Where a kernel that computes the gradients of two parameters at once leaves them. A gradient
   * that it cannot write directly, or that is not needed, goes to a temporary value in the arena;
   * {@link #finish(Pair)} adds it to the gradient if that is needed.
   */
  Pair intoBoth(Value first, Value second) {
    boolean direct = first != second && isTrained(first) && isTrained(second);
    if (direct && gradients.containsKey(first) == gradients.containsKey(second)) {
      Target one = into(first);
      return new Pair(one.beta(), one.value(), into(second).value(), List.of());
    }
    List<Contribution> later = new ArrayList<>();
    return new Pair(0, apart(first, later), apart(second, later), later);
  }

  private static boolean isTrained(Value value) {
    return value.differentiable() && value.place() instanceof Value.Place.OfParameter;
  }

  private Value apart(Value value, List<Contribution> later) {
    Value gradient = graph.value("d " + value.name(), DType.F32, value.shape());
    if (value.differentiable()) {
      later.add(new Contribution(value, gradient));
    }
    return gradient;
  }

  /** Adds the temporary values of {@link #intoBoth} to the gradients. */
  void finish(Pair pair) {
    pair.later().forEach(part -> give(part.value(), part.gradient()));
  }

  /**
   * Adds a computed contribution to a value's gradient; the same array may be another value's
   * gradient too.
   */
  public void give(Value value, Value contribution) {
    if (!value.differentiable()) {
      return;
    }
    boolean parameter = value.place() instanceof Value.Place.OfParameter;
    DType type = parameter ? DType.F32 : value.type();
    Value exact = contribution.type() == type ? contribution : converted(contribution, type);
    Value known = gradients.get(value);
    if (!parameter && known == null) {
      gradients.put(value, exact);
      return;
    }
    Target target = into(value);
    add(target.beta() == 0 ? copied(exact, target.value()) : added(exact, target.value()));
  }

  private Value converted(Value from, DType type) {
    Value to = graph.value(from.name(), type, from.shape());
    add(CastOp.call("gradient cast", from, to));
    return to;
  }

  private Value own(Value value, Value gradient) {
    gradients.put(value, gradient);
    owned.add(gradient);
    return gradient;
  }

  private static Call added(Value from, Value to) {
    long count = to.shape().elements();
    return Call.of(
        "gradient sum",
        List.of(to, from),
        List.of(to),
        count,
        (stream, at) ->
            ScaleAddKernel.of(to.type(), count, 1, 1).run(stream, at.of(from), at.of(to)));
  }

  private static Call copied(Value from, Value to) {
    return Call.of(
        "gradient copy",
        List.of(from),
        List.of(to),
        0,
        (stream, at) -> Copy.run(stream, at.of(to), at.of(from), to.bytes()));
  }
}
