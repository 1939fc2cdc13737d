package dev.halfstep.optim;

import dev.halfstep.kernel.OptimizerStepKernel;

/**
 * LAMB (You et al., 2020), for large batches: AdamW's step u = m^ / (sqrt(v^) + eps) + weightDecay
 * p, taken with the rate learningRate |p| / |u| of each parameter tensor.
 *
 * @param momentum LAMB's beta1
 */
public record Lamb(float learningRate, float momentum, float beta2, float eps, float weightDecay)
    implements Optimizer {
  /** Checks the numbers. */
  public Lamb {
    Optimizer.check("LAMB", learningRate, momentum, weightDecay);
    Optimizer.checkSecondMoment("LAMB", beta2, eps);
  }

  /** The same with other decay rates of the moments. */
  public Lamb withBetas(double beta1, double beta2) {
    return new Lamb(learningRate, (float) beta1, (float) beta2, eps, weightDecay);
  }

  /** The same with another eps. */
  public Lamb withEps(double eps) {
    return new Lamb(learningRate, momentum, beta2, (float) eps, weightDecay);
  }

  @Override
  public Lamb withWeightDecay(double weightDecay) {
    return new Lamb(learningRate, momentum, beta2, eps, (float) weightDecay);
  }

  @Override
  public int moments() {
    return 2;
  }

  @Override
  public boolean usesNorms() {
    return true;
  }

  @Override
  public OptimizerStepKernel.Builder kernel(long count) {
    return OptimizerStepKernel.lamb(count)
        .learningRate(learningRate)
        .betas(momentum, beta2)
        .eps(eps)
        .weightDecay(weightDecay);
  }

  @Override
  public int flopsPerParameter() {
    return 20;
  }
}
