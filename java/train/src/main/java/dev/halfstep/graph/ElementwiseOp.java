package dev.halfstep.graph;

import java.util.List;

/**
 * y = a + b, a - b or a * b, element for element. b may lack leading dimensions of a, or have 1
 * there: it is then the same for all of them, as a bias {@code [channels]} is for {@code [batch,
 * channels]}.
 *
 * @param period elements of b, which divide those of a
 */
public record ElementwiseOp(Kind kind, Value a, Value b, long period, Value y)
    implements Operation {
  /** Which function. */
  public enum Kind {
    /** The sum. */
    ADD("add"),
    /** The difference. */
    SUBTRACT("subtract"),
    /** The product. */
    MULTIPLY("multiply");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /** a + b. */
  public static Value add(Value a, Value b) {
    return of(Kind.ADD, a, b);
  }

  /** a - b. */
  public static Value subtract(Value a, Value b) {
    return of(Kind.SUBTRACT, a, b);
  }

  /** a * b. */
  public static Value multiply(Value a, Value b) {
    return of(Kind.MULTIPLY, a, b);
  }

  /**
   * Adds the operation to the graph of a; it is computed in a's type.
   *
   * @throws IllegalArgumentException if the shapes do not match
   */
  public static Value of(Kind kind, Value a, Value b) {
    Graph graph = a.graph();
    if (!repeats(a, b)) {
      throw graph.refusal(
          kind.word
              + " takes two values, the second as the first or as its last dimensions: it was given "
              + a
              + " and "
              + b);
    }
    Value second = CastOp.of(b, a.type());
    Value y = graph.like(kind.word, a, second);
    return graph.add(new ElementwiseOp(kind, a, second, b.shape().elements(), y));
  }

  /** Whether b is a's last dimensions behind any number of dimensions of 1. */
  private static boolean repeats(Value a, Value b) {
    int rank = a.shape().rank();
    if (b.shape().rank() > rank) {
      return false;
    }
    boolean ones = false;
    for (int i = 1; i <= b.shape().rank(); i++) {
      long extent = b.shape().dim(-i);
      ones |= extent != a.shape().dim(-i);
      if (ones && extent != 1) {
        return false;
      }
    }
    return true;
  }

  @Override
  public String name() {
    return kind.word;
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    calls.add(call(name(), kind, a, b, y));
  }

  private Call call(String name, Kind which, Value left, Value right, Value result) {
    long count = result.shape().elements();
    long repeat = right.shape().elements();
    return Call.of(
            name,
            List.of(left, right),
            List.of(result),
            count,
            (stream, at) ->
                kernel(which, result, count, repeat)
                    .run(stream, at.of(left), at.of(right), at.of(result)))
        .allowInPlace();
  }

  private static dev.halfstep.kernel.Binary kernel(Kind kind, Value y, long count, long period) {
    return switch (kind) {
      case ADD -> dev.halfstep.kernel.Binary.add(y.type(), count, period);
      case SUBTRACT -> dev.halfstep.kernel.Binary.subtract(y.type(), count, period);
      case MULTIPLY -> dev.halfstep.kernel.Binary.multiply(y.type(), count, period);
    };
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    if (a.differentiable()) {
      backward.give(a, kind == Kind.MULTIPLY ? product(backward, dy, b) : dy);
    }
    if (b.differentiable()) {
      giveToSecond(backward, kind == Kind.MULTIPLY ? product(backward, dy, a) : dy);
    }
  }

  /** dy times the other factor. */
  private Value product(Backward backward, Value dy, Value other) {
    Value product = backward.create(y);
    backward.add(call("multiply dx", Kind.MULTIPLY, dy, other, product));
    return product;
  }

  /** b's gradient is the sum over what b was repeated for, with the sign that b has. */
  private void giveToSecond(Backward backward, Value all) {
    Value gradient = all;
    if (period != y.shape().elements()) {
      gradient = backward.create(b);
      backward.add(summed(all, gradient));
    } else if (!b.shape().equals(y.shape())) {
      gradient = y.graph().alias(all, b.shape());
    }
    if (kind == Kind.SUBTRACT) {
      Value negative = backward.create(b);
      backward.add(ScaleOp.call("subtract dx", gradient, -1, negative));
      gradient = negative;
    }
    backward.give(b, gradient);
  }

  private Call summed(Value all, Value sum) {
    long repeats = y.shape().elements() / period;
    return Call.of(
        name() + " db",
        List.of(all),
        List.of(sum),
        y.shape().elements(),
        (stream, at) ->
            dev.halfstep.kernel.Reduce.sum(1, repeats, period)
                .types(all.type(), sum.type())
                .build()
                .run(stream, at.of(all), at.of(sum), 0));
  }
}
