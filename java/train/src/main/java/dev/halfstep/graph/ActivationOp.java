package dev.halfstep.graph;

import dev.halfstep.kernel.Activation;
import dev.halfstep.kernel.ActivationKernel;
import java.util.List;
import java.util.Locale;

/** y = activation(x), element for element. */
public record ActivationOp(Value x, Activation activation, Value y) implements KernelOp {

  /** Adds the operation to the graph of x; {@link Activation#NONE} gives x itself. */
  static Value of(Value x, Activation activation) {
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
  public List<Value> inputs() {
    return List.of(x);
  }

  @Override
  public List<Value> outputs() {
    return List.of(y);
  }

  @Override
  public void forward(Calls calls) {
    long count = y.shape().elements();
    ActivationKernel kernel = ActivationKernel.of(activation, x.type(), count);
    calls.add(
        Call.of(
                name(),
                List.of(x),
                List.of(y),
                count,
                (stream, at) -> kernel.run(stream, at.of(x), at.of(y)))
            .allowInPlace());
  }

  @Override
  public void backward(Backward backward) {
    backward.give(
        x, gradient(backward, activation, backward.of(y), activation.savesInput() ? x : y));
  }

  /**
   * Adds the call for the gradient before an activation, from the gradient dy after it.
   *
   * @param saved what the gradient needs: the input where {@link Activation#savesInput}, otherwise
   *     the output
   */
  static Value gradient(Backward backward, Activation activation, Value dy, Value saved) {
    Value dx = backward.create(saved);
    long count = dx.shape().elements();
    ActivationKernel kernel = ActivationKernel.of(activation, dy.type(), count);
    backward.add(
        Call.of(
                activation.name().toLowerCase(Locale.ROOT) + " dx",
                List.of(dy, saved),
                List.of(dx),
                count,
                (stream, at) -> kernel.gradient(stream, at.of(dy), at.of(saved), at.of(dx)))
            .allowInPlace());
    return dx;
  }
}
