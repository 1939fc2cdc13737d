package dev.halfstep.optim;

import dev.halfstep.kernel.OptimizerStepKernel;

/**
 * LARS (You et al., 2017), for large batches: SGD with momentum whose learning rate is scaled for
 * each parameter tensor by r = trust |p| / (|g| + weightDecay |p| + 1e-8); v = momentum v + r (g +
 * weightDecay p); p -= learningRate v. Biases and other parameters of one dimension, which weight
 * decay leaves out, have r = 1.
 *
 * @param trust the size of a step relative to the tensor's norm: 0.001
 */
public record Lars(float learningRate, float momentum, float weightDecay, float trust)
    implements Optimizer {
  /** Checks the numbers. */
  public Lars {
    Optimizer.check("LARS", learningRate, momentum, weightDecay);
    if (!(trust > 0) || Float.isInfinite(trust)) {
      throw new IllegalArgumentException(
          "LARS: the trust coefficient must be finite and above 0, not " + trust);
    }
  }

  /** The same with another momentum. */
  public Lars withMomentum(double momentum) {
    return new Lars(learningRate, (float) momentum, weightDecay, trust);
  }

  /** The same with another trust coefficient. */
  public Lars withTrust(double trust) {
    return new Lars(learningRate, momentum, weightDecay, (float) trust);
  }

  @Override
  public Lars withWeightDecay(double weightDecay) {
    return new Lars(learningRate, momentum, (float) weightDecay, trust);
  }

  @Override
  public int moments() {
    return 1;
  }

  @Override
  public boolean usesNorms() {
    return true;
  }

  @Override
  public OptimizerStepKernel.Builder kernel(long count) {
    return OptimizerStepKernel.lars(count)
        .learningRate(learningRate)
        .momentum(momentum, false)
        .weightDecay(weightDecay)
        .trust(trust);
  }

  @Override
  public int flopsPerParameter() {
    return 12;
  }
}
