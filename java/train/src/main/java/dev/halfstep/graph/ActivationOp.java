package dev.halfstep.graph;

import dev.halfstep.kernel.Activation;
import dev.halfstep.kernel.Elementwise;
import java.util.List;
import java.util.Locale;

/** y = activation(x), element for element. */
public record ActivationOp(Value x, Activation activation, Value y) implements Operation {

  /** Adds the operation to the graph of x; {@link Activation#NONE} gives x itself. */
  public static Value of(Value x, Activation activation) {
    if (activation == Activation.NONE) {
      return x;
    }
    String name = activation.name().toLowerCase(Locale.ROOT);
    Value y = x.graph().like(name, x);
    return x.graph().add(new ActivationOp(x, activation, y));
  }

  @Override
  public String name() {
    return activation.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    long count = y.shape().elements();
    calls.add(
        Call.of(
                name(),
                List.of(x),
                List.of(y),
                count,
                (stream, at) ->
                    Elementwise.activation(stream, activation, x.type(), count, at.of(x), at.of(y)))
            .allowInPlace());
  }

  @Override
  public void backward(Backward backward) {
    Value saved = activation == Activation.GELU ? x : y;
    backward.give(x, gradient(backward, activation, backward.of(y), saved));
  }

  /**
   * Adds the call for the gradient before an activation, from the gradient dy after it.
   *
   * @param saved what the gradient needs: GELU's input, the output of the others
   */
  static Value gradient(Backward backward, Activation activation, Value dy, Value saved) {
    Value dx = backward.create(saved);
    long count = dx.shape().elements();
    backward.add(
        Call.of(
                activation.name().toLowerCase(Locale.ROOT) + " dx",
                List.of(dy, saved),
                List.of(dx),
                count,
                (stream, at) ->
                    Elementwise.activationGradient(
                        stream, activation, dy.type(), count, at.of(dy), at.of(saved), at.of(dx)))
            .allowInPlace());
    return dx;
  }
}
