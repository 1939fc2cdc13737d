package dev.halfstep.optim;

import dev.halfstep.kernel.OptimizerStepKernel;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as PyTorch's {@code AdamW}: p -=
 * learningRate weightDecay p; then Adam's step with the bias-corrected moments of the gradient.
 *
 * @param momentum Adam's beta1
 */
public record AdamW(float learningRate, float momentum, float beta2, float eps, float weightDecay)
    implements Optimizer {
  /** Checks the numbers. */
  public AdamW {
    Optimizer.check("AdamW", learningRate, momentum, weightDecay);
    Optimizer.checkSecondMoment("AdamW", beta2, eps);
  }

  /** The same with other decay rates of the moments. */
  public AdamW withBetas(double beta1, double beta2) {
    return new AdamW(learningRate, (float) beta1, (float) beta2, eps, weightDecay);
  }

  /** The same with another eps. */
  public AdamW withEps(double eps) {
    return new AdamW(learningRate, momentum, beta2, (float) eps, weightDecay);
  }

  @Override
  public AdamW withWeightDecay(double weightDecay) {
    return new AdamW(learningRate, momentum, beta2, eps, (float) weightDecay);
  }

  @Override
  public int moments() {
    return 2;
  }

  @Override
  public OptimizerStepKernel.Builder kernel(long count) {
    return OptimizerStepKernel.adamW(count)
        .learningRate(learningRate)
        .betas(momentum, beta2)
        .eps(eps)
        .weightDecay(weightDecay);
  }

  @Override
  public int flopsPerParameter() {
    return 14;
  }
}
