package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.kernel.ElementwiseKernel;
import dev.halfstep.kernel.ReduceKernel;
import java.util.List;

/**
 * A function of a and b, element for element. b may lack leading dimensions of a, or have 1 there:
 * it is then the same for all of them, as a bias {@code [channels]} is for {@code [batch,
 * channels]}.
 *
 * @param period the number of elements of b; it divides that of a
 */
public record ElementwiseOp(Kind kind, Value a, Value b, long period, Value y) implements KernelOp {
  /** Which function. */
  public enum Kind {
    /** The sum. */
    ADD("add"),
    /** The difference. */
    SUBTRACT("subtract"),
    /** The product. */
    MULTIPLY("multiply"),
    /** a / b. */
    DIVIDE("divide"),
    /** The larger one, NaN if one is NaN. Equal ones get half of the gradient each. */
    MAXIMUM("maximum"),
    /** The smaller one, NaN if one is NaN. Equal ones get half of the gradient each. */
    MINIMUM("minimum");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /**
   * Adds the operation to the graph of a; it is computed in a's type.
   *
   * @throws IllegalArgumentException if the shapes do not match
   */
  static Value of(Kind kind, Value a, Value b) {
    Graph graph = a.graph();
    if (!repeats(a, b)) {
      throw graph.refusal(
          kind.word
              + " takes two values, the second as the first or as its last dimensions: it was given"
              + " "
              + a
              + " and "
              + b);
    }
    Value second = CastOp.of(b, a.type());
    Value y = graph.like(kind.word, a, second);
    return graph.add(new ElementwiseOp(kind, a, second, b.shape().elements(), y));
  }

  /** Whether b's shape is a's last dimensions, after any number of dimensions of 1. */
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
  public List<Value> inputs() {
    return List.of(a, b);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    Function function =
        switch (kind) {
          case ADD -> ElementwiseKernel::add;
          case SUBTRACT -> ElementwiseKernel::subtract;
          case MULTIPLY -> ElementwiseKernel::multiply;
          case DIVIDE -> ElementwiseKernel::divide;
          case MAXIMUM -> ElementwiseKernel::maximum;
          case MINIMUM -> ElementwiseKernel::minimum;
        };
    calls.add(call(name(), function, a, b, y));
  }

  @Override
  public void backward(Backward backward) {
    Value dy = backward.of(y);
    if (a.differentiable()) {
      backward.give(
          a,
          switch (kind) {
            case ADD, SUBTRACT -> dy;
            case MULTIPLY -> call(backward, ElementwiseKernel::multiply, dy, b);
            case DIVIDE -> call(backward, ElementwiseKernel::divide, dy, b);
            case MAXIMUM ->
                call(
                    backward,
                    ElementwiseKernel::multiply,
                    slope(backward, ElementwiseKernel::greater),
                    dy);
            case MINIMUM ->
                call(
                    backward,
                    ElementwiseKernel::multiply,
                    slope(backward, ElementwiseKernel::less),
                    dy);
          });
    }
    if (b.differentiable()) {
      giveToSecond(
          backward,
          switch (kind) {
            case ADD, SUBTRACT -> dy;
            case MULTIPLY -> call(backward, ElementwiseKernel::multiply, dy, a);
            case DIVIDE -> // less the sign: d(a / b) / db = -y / b
                call(
                    backward,
                    ElementwiseKernel::divide,
                    call(backward, ElementwiseKernel::multiply, dy, y),
                    b);
            case MAXIMUM ->
                call(
                    backward,
                    ElementwiseKernel::multiply,
                    slope(backward, ElementwiseKernel::less),
                    dy);
            case MINIMUM ->
                call(
                    backward,
                    ElementwiseKernel::multiply,
                    slope(backward, ElementwiseKernel::greater),
                    dy);
          });
    }
  }

  /** 1 where a is greater (or less) than b, 1/2 where they are equal, else 0. */
  private Value slope(Backward backward, Function which) {
    return call(backward, which, a, b);
  }

  /** Adds a call to the backward pass; its result is shaped as y. */
  private Value call(Backward backward, Function function, Value left, Value right) {
    Value result = backward.create(y);
    backward.add(call(kind.word + " dx", function, left, right, result));
    return result;
  }

  /**
   * Makes the kernel of a function for {@code count} elements; the second operand has {@code
   * period} elements and repeats.
   */
  private interface Function {
    ElementwiseKernel of(DType type, long count, long period);
  }

  private static Call call(String name, Function function, Value left, Value right, Value result) {
    long count = result.shape().elements();
    long repeat = right.shape().elements();
    return Call.of(
            name,
            List.of(left, right),
            List.of(result),
            count,
            (stream, at) ->
                function
                    .of(result.type(), count, repeat)
                    .run(stream, at.of(left), at.of(right), at.of(result)))
        .allowInPlace();
  }

  /**
   * Sums the gradient over the repetitions of b, negates it for a - b and a / b, and adds it to b's
   * gradient.
   */
  private void giveToSecond(Backward backward, Value all) {
    Value gradient = all;
    if (period != y.shape().elements()) {
      gradient = backward.create(b);
      backward.add(summed(all, gradient));
    } else if (!b.shape().equals(y.shape())) {
      gradient = y.graph().alias(all, b.shape());
    }
    if (kind == Kind.SUBTRACT || kind == Kind.DIVIDE) {
      Value negative = backward.create(b);
      backward.add(ScaleOp.call(kind.word + " dx", gradient, -1, negative));
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
            ReduceKernel.sum(1, repeats, period)
                .types(all.type(), sum.type())
                .build()
                .run(stream, at.of(all), at.of(sum), 0));
  }
}
