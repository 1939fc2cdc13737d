package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;

/**
 * Layer normalisation (Ba et al., 2016) over the last dimension of x {@code [batch, ...,
 * channels]}, eps 1e-5, with {@code weight} (1 at first) and {@code bias} (0) {@code [channels]}.
 * Immutable.
 */
public final class LayerNorm implements Layer {
  private final float eps;

  /** A layer with eps 1e-5. */
  public LayerNorm() {
    this(1e-5f);
  }

  private LayerNorm(float eps) {
    this.eps = eps;
  }

  /**
   * The same layer with another eps, the number that is added to the variance, such as BERT's
   * 1e-12.
   *
   * @throws IllegalArgumentException if it is not a finite number above 0
   */
  public LayerNorm eps(double eps) {
    return new LayerNorm(checkedEps(eps));
  }

  /** Converts eps to single precision, and checks that it is above 0 there too. */
  static float checkedEps(double eps) {
    if (!((float) eps > 0 && eps <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "eps must be a finite number above 0 in single precision, not " + eps);
    }
    return (float) eps;
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() < 2) {
      throw scope
          .graph()
          .refusal("layer normalisation takes [batch, ..., channels], not " + x.shape());
    }
    Shape channels = Shape.of(x.shape().dim(-1));
    FileLayout layout = FileLayout.ofFeatures(channels, x.image());
    return Ops.layerNorm(
        x,
        scope.parameter("weight", channels, new Initializer.Constant(1), layout),
        scope.parameter("bias", channels, new Initializer.Constant(0), layout),
        eps);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("LayerNorm").with("eps", eps);
  }

  @Override
  public String toString() {
    return eps == 1e-5f ? "LayerNorm" : "LayerNorm(eps " + eps + ")";
  }
}
