package dev.halfstep.optim;

import dev.halfstep.kernel.OptimizerStepKernel;

/**
 * Adam (Kingma and Ba, 2015), as in PyTorch: weight decay is added to the gradient, g +=
 * weightDecay p, and the step follows the bias-corrected moments of g.
 *
 * @param momentum Adam's beta1
 */
public record Adam(float learningRate, float momentum, float beta2, float eps, float weightDecay)
    implements Optimizer {
  /** Checks the numbers. */
  public Adam {
    Optimizer.check("Adam", learningRate, momentum, weightDecay);
    Optimizer.checkSecondMoment("Adam", beta2, eps);
  }

  /** The same with other decay rates of the moments. */
  public Adam withBetas(double beta1, double beta2) {
    return new Adam(learningRate, (float) beta1, (float) beta2, eps, weightDecay);
  }

  /** The same with another eps. */
  public Adam withEps(double eps) {
    return new Adam(learningRate, momentum, beta2, (float) eps, weightDecay);
  }

  @Override
  public Adam withWeightDecay(double weightDecay) {
    return new Adam(learningRate, momentum, beta2, eps, (float) weightDecay);
  }

  @Override
  public int moments() {
    return 2;
  }

  @Override
  public OptimizerStepKernel.Builder kernel(long count) {
    return OptimizerStepKernel.adam(count)
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
