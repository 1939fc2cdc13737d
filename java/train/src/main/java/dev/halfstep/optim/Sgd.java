package dev.halfstep.optim;

import dev.halfstep.kernel.OptimizerStepKernel;

/**
 * Stochastic gradient descent, as in PyTorch: g += weightDecay p; v = momentum v + g (first step: v
 * = g); p -= learningRate v, or with Nesterov's momentum p -= learningRate (g + momentum v).
 */
public record Sgd(float learningRate, float momentum, boolean nesterov, float weightDecay)
    implements Optimizer {
  /** Checks the numbers. */
  public Sgd {
    Optimizer.check("SGD", learningRate, momentum, weightDecay);
    if (nesterov && momentum == 0) {
      throw new IllegalArgumentException("SGD: Nesterov's momentum needs a momentum above 0");
    }
  }

  /** The same with a momentum. */
  public Sgd withMomentum(double momentum) {
    return new Sgd(learningRate, (float) momentum, nesterov, weightDecay);
  }

  /** The same with Nesterov's momentum. */
  public Sgd withNesterov(double momentum) {
    return new Sgd(learningRate, (float) momentum, true, weightDecay);
  }

  @Override
  public Sgd withWeightDecay(double weightDecay) {
    return new Sgd(learningRate, momentum, nesterov, (float) weightDecay);
  }

  @Override
  public int moments() {
    return momentum > 0 ? 1 : 0;
  }

  @Override
  public OptimizerStepKernel.Builder kernel(long count) {
    return OptimizerStepKernel.sgd(count)
        .learningRate(learningRate)
        .momentum(momentum, nesterov)
        .weightDecay(weightDecay);
  }

  @Override
  public int flopsPerParameter() {
    return momentum > 0 ? 7 : 5;
  }
}
