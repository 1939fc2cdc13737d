package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) over the last dimension of x {@code [batch, ...,
 * channels]}: in training with the mean and biased variance of the batch over n = batch * positions
 * values, which also update the running statistics: {@code running = (1 - momentum) running +
 * momentum observed}, with the unbiased variance. Evaluation uses the running statistics. eps is
 * 1e-5 and momentum 0.1, as in PyTorch. Immutable.
 *
 * <p>Parameters, all {@code [channels]}: {@code weight} (1 at first) and {@code bias} (0); state:
 * {@code running_mean} (0) and {@code running_var} (1), which are saved with the model. Training on
 * n = 1 is an error that names the layer.
 */
public final class BatchNorm implements Fusing {
  private final float eps;
  private final float momentum;

  /** A layer with eps 1e-5 and momentum 0.1. */
  public BatchNorm() {
    this(1e-5f, 0.1f);
  }

  private BatchNorm(float eps, float momentum) {
    this.eps = eps;
    this.momentum = momentum;
  }

  /**
   * The same layer with another eps, the number that is added to the variance.
   *
   * @throws IllegalArgumentException if it is not a finite number above 0
   */
  public BatchNorm eps(double eps) {
    return new BatchNorm(LayerNorm.checkedEps(eps), momentum);
  }

  /**
   * The same layer with another momentum, the weight of a new batch in the running statistics. This
   * is PyTorch's definition; Keras's momentum of 0.99 is 0.01 here.
   *
   * @throws IllegalArgumentException if it is not in (0, 1]
   */
  public BatchNorm momentum(double momentum) {
    if (!(momentum > 0 && momentum <= 1)) {
      throw new IllegalArgumentException(
          "the momentum of batch normalisation is in (0, 1], not " + momentum);
    }
    return new BatchNorm(eps, (float) momentum);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return apply(scope, x, null, Activation.NONE);
  }

  @Override
  public boolean fuses(Activation activation) {
    return activation == Activation.NONE || activation == Activation.RELU;
  }

  @Override
  public boolean addsResidual() {
    return true;
  }

  @Override
  public Value apply(Scope scope, Value x, @Nullable Value residual, Activation activation) {
    if (x.shape().rank() < 2) {
      throw scope
          .graph()
          .refusal("batch normalisation takes [batch, ..., channels], not " + x.shape());
    }
    Shape channels = Shape.of(x.shape().dim(-1));
    FileLayout layout = FileLayout.ofFeatures(channels, x.image());
    Initializer zero = new Initializer.Constant(0);
    Initializer one = new Initializer.Constant(1);
    return Ops.batchNorm(
        x,
        scope.parameter("weight", channels, one, layout),
        scope.parameter("bias", channels, zero, layout),
        residual,
        scope.state("running_mean", channels, zero, layout),
        scope.state("running_var", channels, one, layout),
        activation,
        eps,
        momentum);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("BatchNorm").with("eps", eps).with("momentum", momentum);
  }

  /** Reads what {@link #spec} wrote. */
  static BatchNorm of(LayerSpec spec) {
    return new BatchNorm().eps(spec.number("eps")).momentum(spec.number("momentum"));
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("BatchNorm");
    String separator = "(";
    if (eps != 1e-5f) {
      text.append(separator).append("eps ").append(eps);
      separator = ", ";
    }
    if (momentum != 0.1f) {
      text.append(separator).append("momentum ").append(momentum);
      separator = ", ";
    }
    return separator.equals("(") ? text.toString() : text.append(')').toString();
  }
}
