package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import org.jspecify.annotations.Nullable;

/**
 * y = x W^T + b over the last dimension: x {@code [batch, ..., in]}, {@code weight} {@code [out,
 * in]}, {@code bias} {@code [out]}. Both start uniform in +-1/sqrt(in), as PyTorch's.
 */
public final class Linear implements Fusing {
  private final long out;
  private final boolean bias;

  /** A layer with {@code out} outputs and a bias. */
  public Linear(long out) {
    this(out, true);
  }

  /**
   * A layer with {@code out} outputs.
   *
   * @throws IllegalArgumentException if {@code out} is not positive
   */
  public Linear(long out, boolean bias) {
    if (out < 1) {
      throw new IllegalArgumentException("a linear layer has at least 1 output, not " + out);
    }
    this.out = out;
    this.bias = bias;
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return apply(scope, x, null, Activation.NONE);
  }

  @Override
  public boolean fuses(Activation activation) {
    return activation == Activation.NONE
        || activation == Activation.RELU
        || activation == Activation.GELU;
  }

  @Override
  public boolean addsResidual() {
    return false;
  }

  @Override
  public Value apply(Scope scope, Value x, @Nullable Value residual, Activation activation) {
    if (x.shape().rank() < 2) {
      throw scope.graph().refusal("a linear layer takes [batch, ..., features], not " + x.shape());
    }
    long in = x.shape().dim(-1);
    Initializer initializer = Initializer.fanIn(in);
    Shape shape = Shape.of(out, in);
    Value w =
        scope.parameter("weight", shape, initializer, FileLayout.ofFeatures(shape, x.image()));
    Value b = bias ? scope.parameter("bias", Shape.of(out), initializer) : null;
    return Ops.linear(x, w, b, activation);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Linear").with("out", out).with("bias", bias);
  }

  /** Reads what {@link #spec} wrote. */
  static Linear of(LayerSpec spec) {
    return new Linear(spec.whole("out", 1, Shape.MAX_ELEMENTS), spec.flag("bias"));
  }

  @Override
  public String toString() {
    return "Linear(" + out + (bias ? ")" : ", no bias)");
  }
}
