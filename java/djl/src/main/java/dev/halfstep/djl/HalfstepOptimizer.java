package dev.halfstep.djl;

import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.ParameterTracker;
import ai.djl.training.tracker.Tracker;
import dev.halfstep.djl.UpdateRule.Kind;
import java.util.Objects;

/**
 * Makes optimizers that update the parameters of DJL's PyTorch engine with Halfstep's kernels. They
 * take the place of DJL's own in a training configuration ({@code optOptimizer}), with the same
 * options: learning-rate trackers, weight decay, clipping, rescaling of gradients, number of the
 * first update.
 *
 * <p>Where DJL's rules differ from PyTorch's, the numbers are DJL's unless {@link
 * Builder#optConvention} says otherwise: an optimizer that is exchanged in a program that exists
 * must not change its results.
 *
 * <p>Parameters must be FP32 tensors on the CPU whose elements lie in their memory one after the
 * other; what else DJL may hand over is refused before anything has changed. Gradients may also lie
 * in another order or be sparse: they are copied then. After an update the parameter's gradient is
 * zero, as after one of DJL's optimizers.
 *
 * <p>The moments of a parameter are in direct buffers, one for SGD with momentum and LARS, two for
 * Adam, AdamW and LAMB, each of the parameter's size; they are freed with the optimizer. An
 * optimizer may be called from many threads; updates of one parameter wait for each other.
 */
public final class HalfstepOptimizer {
  private HalfstepOptimizer() {}

  /** Stochastic gradient descent: learning rate 0.01, no momentum, no weight decay. */
  public static Builder sgd() {
    return new Builder(Kind.SGD).rate(0.01f);
  }

  /** Adam (Kingma and Ba, 2015): learning rate 0.001, betas 0.9 and 0.999, eps 1e-8, no decay. */
  public static Builder adam() {
    return new Builder(Kind.ADAM).optEpsilon(1e-8f);
  }

  /**
   * AdamW (Loshchilov and Hutter, 2019): learning rate 0.001, betas 0.9 and 0.999, eps 1e-8, weight
   * decay 0.01.
   */
  public static Builder adamW() {
    return new Builder(Kind.ADAMW).optEpsilon(1e-8f).optWeightDecays(0.01f);
  }

  /**
   * LAMB (You et al., 2020), with the norms of each parameter: learning rate 0.001, betas 0.9 and
   * 0.999, eps 1e-6, weight decay 0.01, which parameters of one dimension are left out of.
   */
  public static Builder lamb() {
    return new Builder(Kind.LAMB).optEpsilon(1e-6f).optWeightDecays(0.01f);
  }

  /**
   * LARS (You et al., 2017), with the norms of each parameter: learning rate 0.1, momentum 0.9,
   * weight decay 0.0001, trust coefficient 0.001, eps 1e-8. Parameters of one dimension are updated
   * as SGD with momentum does, without decay.
   */
  public static Builder lars() {
    return new Builder(Kind.LARS)
        .rate(0.1f)
        .optMomentum(0.9f)
        .optEpsilon(1e-8f)
        .optWeightDecays(1e-4f);
  }

  /** The options of an optimizer; those of DJL's optimizers have DJL's names. */
  public static final class Builder extends Optimizer.OptimizerBuilder<Builder> {
    private final Kind kind;
    private Convention convention = Convention.DJL;
    private ParameterTracker learningRate = Tracker.fixed(0.001f);
    private float momentum;
    private boolean nesterov;
    private float beta1 = 0.9f;
    private float beta2 = 0.999f;
    private float eps;
    private float trust = 0.001f;

    private Builder(Kind kind) {
      this.kind = kind;
    }

    @Override
    protected Builder self() {
      return this;
    }

    private Builder rate(float fixed) {
      return optLearningRateTracker(Tracker.fixed(fixed));
    }

    private void requireOption(boolean known, String option) {
      if (!known) {
        throw new IllegalArgumentException(kind.title + " has no " + option + ": leave it out");
      }
    }

    /**
     * Sets where the learning rate comes from. The tracker is asked before each update of a
     * parameter, with the parameter's id and the number of the update.
     */
    public Builder optLearningRateTracker(ParameterTracker tracker) {
      learningRate = Objects.requireNonNull(tracker, "the learning-rate tracker is null");
      return this;
    }

    /** Sets whose numbers an update gives where DJL and PyTorch differ; DJL's at first. */
    public Builder optConvention(Convention whose) {
      convention = Objects.requireNonNull(whose, "the convention is null");
      return this;
    }

    /**
     * Sets the momentum of SGD and LARS, in [0, 1).
     *
     * @throws IllegalArgumentException if the optimizer is another one
     */
    public Builder optMomentum(float factor) {
      requireOption(!kind.hasBetas(), "momentum (its beta1 is set by optBeta1)");
      momentum = factor;
      return this;
    }

    /**
     * Sets whether SGD's momentum is Nesterov's (Sutskever et al., 2013), as PyTorch defines it. Of
     * DJL's engines, PyTorch's has none.
     *
     * @throws IllegalArgumentException if the optimizer is another one
     */
    public Builder optNesterov(boolean whether) {
      requireOption(kind == Kind.SGD, "Nesterov momentum");
      nesterov = whether;
      return this;
    }

    /**
     * Sets the decay rate of the first moment of Adam, AdamW and LAMB, in [0, 1).
     *
     * @throws IllegalArgumentException if the optimizer is another one
     */
    public Builder optBeta1(float rate) {
      requireOption(kind.hasBetas(), "beta1");
      beta1 = rate;
      return this;
    }

    /**
     * Sets the decay rate of the second moment of Adam, AdamW and LAMB, in [0, 1).
     *
     * @throws IllegalArgumentException if the optimizer is another one
     */
    public Builder optBeta2(float rate) {
      requireOption(kind.hasBetas(), "beta2");
      beta2 = rate;
      return this;
    }

    /**
     * Sets the term in the denominator of Adam, AdamW, LAMB and LARS.
     *
     * @throws IllegalArgumentException if the optimizer is SGD
     */
    public Builder optEpsilon(float term) {
      requireOption(kind != Kind.SGD, "epsilon");
      eps = term;
      return this;
    }

    /**
     * Sets LARS's trust coefficient.
     *
     * @throws IllegalArgumentException if the optimizer is another one
     */
    public Builder optTrust(float coefficient) {
      requireOption(kind == Kind.LARS, "trust coefficient");
      trust = coefficient;
      return this;
    }

    /**
     * The optimizer.
     *
     * @throws IllegalArgumentException if an option is out of its range
     */
    public Optimizer build() {
      return new KernelOptimizer(this);
    }

    ParameterTracker learningRate() {
      return learningRate;
    }

    /** The rule; the last three are options that DJL's builder has and does not show. */
    UpdateRule rule(float weightDecay, float rescale, float clip) {
      return new UpdateRule(
          kind,
          convention,
          momentum,
          nesterov,
          beta1,
          beta2,
          eps,
          trust,
          weightDecay,
          rescale,
          clip);
    }
  }
}
