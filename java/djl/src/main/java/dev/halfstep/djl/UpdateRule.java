package dev.halfstep.djl;

import dev.halfstep.kernel.OptimizerStepKernel;

/**
 * An update rule with its constants. The learning rate and the number of the step are not part of
 * it: they change with each update.
 *
 * @param rescale what gradients are multiplied by, before they are clipped
 * @param clip the limit for each element of a gradient; negative for none
 */
record UpdateRule(
    Kind kind,
    Convention convention,
    float momentum,
    boolean nesterov,
    float beta1,
    float beta2,
    float eps,
    float trust,
    float weightDecay,
    float rescale,
    float clip) {
  enum Kind {
    SGD("SGD"),
    ADAM("Adam"),
    ADAMW("AdamW"),
    LAMB("LAMB"),
    LARS("LARS");

    final String title;

    Kind(String title) {
      this.title = title;
    }

    boolean hasBetas() {
      return this == ADAM || this == ADAMW || this == LAMB;
    }
  }

  UpdateRule {
    require(momentum >= 0 && momentum < 1, "the momentum", momentum, "in [0, 1)");
    require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "in [0, 1)");
    require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "in [0, 1)");
    require(eps >= 0 && Float.isFinite(eps), "epsilon", eps, "finite and not negative");
    require(trust > 0 && Float.isFinite(trust), "the trust coefficient", trust, "positive");
    require(
        weightDecay >= 0 && Float.isFinite(weightDecay),
        "the weight decay",
        weightDecay,
        "finite and not negative");
    require(rescale > 0 && Float.isFinite(rescale), "the factor of gradients", rescale, "positive");
    require(!Float.isNaN(clip), "the limit of gradients", clip, "a number, negative for none");
    if (nesterov && momentum == 0) {
      throw new IllegalArgumentException(
          "Nesterov's momentum needs a momentum above 0: call optMomentum, with 0.9 for example");
    }
  }

  private static void require(boolean fulfilled, String name, float value, String range) {
    if (!fulfilled) {
      throw new IllegalArgumentException(name + " is " + value + ", but must be " + range);
    }
  }

  boolean djl() {
    return convention == Convention.DJL;
  }

  boolean clips() {
    return clip >= 0;
  }

  boolean hasFirstMoment() {
    return kind != Kind.SGD || momentum != 0;
  }

  boolean hasSecondMoment() {
    return kind.hasBetas();
  }

  /** Whether the momentum accumulates learning rate times gradient, as DJL's does. */
  boolean rateInMomentum() {
    return djl() && kind == Kind.SGD && momentum != 0 && !nesterov;
  }

  /**
   * The kernel for a parameter of {@code count} elements.
   *
   * @param vector whether the parameter has one dimension: LAMB and LARS decay no biases, and LARS
   *     updates them as SGD does
   */
  OptimizerStepKernel kernel(long count, boolean vector) {
    return switch (kind) {
      case SGD -> sgd(count, weightDecay).build();
      case ADAM ->
          OptimizerStepKernel.adam(count)
              .betas(beta1, beta2)
              .eps(eps)
              .epsBeforeDebiasing(djl())
              .weightDecay(weightDecay)
              .weightUnits(rescale)
              .build();
      case ADAMW ->
          OptimizerStepKernel.adamW(count)
              .betas(beta1, beta2)
              .eps(eps)
              .epsBeforeDebiasing(djl())
              .weightDecay(weightDecay)
              .weightUnits(rescale)
              .build();
      case LAMB ->
          OptimizerStepKernel.lamb(count)
              .betas(beta1, beta2)
              .eps(eps)
              .weightDecay(vector ? 0 : weightDecay)
              .weightUnits(rescale)
              .build();
      case LARS ->
          vector
              ? sgd(count, 0).build()
              : OptimizerStepKernel.lars(count)
                  .momentum(momentum, false)
                  .trust(trust)
                  .eps(eps)
                  .weightDecay(weightDecay)
                  .weightUnits(rescale)
                  .build();
    };
  }

  /** The kernel for {@link #rateInMomentum}, which is to be run with the learning rate 1. */
  OptimizerStepKernel kernelWithRate(long count, float rate) {
    return sgd(count, rate * weightDecay).weightUnits(rate * rescale).build();
  }

  private OptimizerStepKernel.Builder sgd(long count, float decay) {
    return OptimizerStepKernel.sgd(count)
        .momentum(momentum, nesterov)
        .weightDecay(decay)
        .weightUnits(rescale);
  }
}
