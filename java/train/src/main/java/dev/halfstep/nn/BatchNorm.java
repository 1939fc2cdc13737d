package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalisation (Ioffe and Szegedy, 2015) over the last dimension of x {@code [batch, ...,
 * channels]}: in training with the mean and biased variance of the batch, n = batch * positions,
 * while {@code running = 0.9 running + 0.1 observed}, with the unbiased variance; in evaluation
 * with the running ones alone. eps is 1e-5.
 *
 * <p>Parameters, all {@code [channels]}: {@code weight} (1 at first) and {@code bias} (0); state:
 * {@code running_mean} (0) and {@code running_var} (1), which are saved with the model. Training on
 * n = 1 is an error that names the layer.
 */
public final class BatchNorm implements Fusing {
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
    return dev.halfstep.graph.BatchNorm.of(
        x,
        scope.parameter("weight", channels, one, layout),
        scope.parameter("bias", channels, zero, layout),
        residual,
        scope.state("running_mean", channels, zero, layout),
        scope.state("running_var", channels, one, layout),
        activation);
  }

  @Override
  public String toString() {
    return "BatchNorm";
  }
}
