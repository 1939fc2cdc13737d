package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_ADAM;
import static dev.halfstep.bindings.Native.HS_ADAMW;
import static dev.halfstep.bindings.Native.HS_LAMB;
import static dev.halfstep.bindings.Native.HS_LARS;
import static dev.halfstep.bindings.Native.HS_SGD;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_optimizer_desc;
import dev.halfstep.internal.Structs;

/**
 * One update of a whole arena of FP32 parameters from their gradients: SGD, Adam and AdamW as
 * PyTorch defines them, LARS and LAMB with the norms |.| of each segment (of the whole arena
 * without segments); g is the gradient times the state's multiplier and t the number of this step,
 * from 1:
 *
 * <pre>
 * SGD    g += wd p; v = momentum v + g (t = 1: v = g); p -= lr (nesterov ? g + momentum v : v)
 * AdamW  p -= lr wd p; m += (1 - beta1)(g - m); v = beta2 v + (1 - beta2) g^2;
 *        p -= lr m^ / (sqrt(v^) + eps), m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t)
 * Adam   as AdamW, but the decay goes into the gradient: g += wd p
 * LARS   r = trust |p| / (|g| + wd |p| + eps), or 1 where |p| or |g| is 0, or the segment is one that
 *        decay leaves out; v = momentum v + r (g + wd p); p -= lr v
 * LAMB   m and v as AdamW; u = m^ / (sqrt(v^) + eps) + wd p; p -= lr r u, r = |p| / |u|, or 1 where
 *        one of them is 0
 * </pre>
 *
 * <p>Optional operands (null, or address 0): {@code moment1}, for SGD without momentum; {@code
 * moment2}, for SGD and LARS; {@code state}, which gives t and the multiplier: without it the
 * multiplier is 1 and t is what {@link #step} says, 1 at first; and by address alone {@code copy},
 * the parameters in the storage type, {@code schedule}, {@code segments}, and {@code workspace},
 * F64 {@code [2, segmentCount]} for LARS and LAMB with segments, as {@code halfstep.h} describes
 * them. Moments begin as zeros. A host state whose weight is 0, of which no gradient can be a mean,
 * is refused. Safe to use from many threads as long as none of them calls {@link #step}.
 */
public final class OptimizerStepKernel extends OptimizerStepKernelForms {
  private static final String[] NAMES = {"SGD", "AdamW", "Adam", "LARS", "LAMB"}; // by hs_rule

  private final Builder spec;

  private OptimizerStepKernel(Builder spec) {
    super(spec.descriptor(), spec.count, spec.checked);
    this.spec = spec;
  }

  /** Stochastic gradient descent over {@code count} parameters, learning rate 0.01. */
  public static Builder sgd(long count) {
    return new Builder(HS_SGD, count).learningRate(0.01f);
  }

  /** AdamW (Loshchilov and Hutter, 2019), learning rate 0.001, betas 0.9 and 0.999, decay 0.01. */
  public static Builder adamW(long count) {
    return new Builder(HS_ADAMW, count)
        .learningRate(0.001f)
        .betas(0.9f, 0.999f)
        .eps(1e-8f)
        .weightDecay(0.01f);
  }

  /** Adam (Kingma and Ba, 2015), learning rate 0.001, betas 0.9 and 0.999, no decay. */
  public static Builder adam(long count) {
    return new Builder(HS_ADAM, count).learningRate(0.001f).betas(0.9f, 0.999f).eps(1e-8f);
  }

  /** LARS (You et al., 2017), learning rate 0.1, momentum 0.9, decay 0.0001, trust 0.001. */
  public static Builder lars(long count) {
    return new Builder(HS_LARS, count)
        .learningRate(0.1f)
        .momentum(0.9f, false)
        .weightDecay(1e-4f)
        .trust(0.001f)
        .eps(1e-8f);
  }

  /** LAMB (You et al., 2020), learning rate 0.001, betas 0.9 and 0.999, decay 0.01. */
  public static Builder lamb(long count) {
    return new Builder(HS_LAMB, count)
        .learningRate(0.001f)
        .betas(0.9f, 0.999f)
        .eps(1e-6f)
        .weightDecay(0.01f);
  }

  /**
   * Sets the number of the step (t) and the learning rate for the calls that follow without a state
   * and without a schedule; calls that a stream has recorded keep theirs. It is for a caller who
   * counts steps, such as the optimizer of another framework: a loop of {@code step(t,
   * rate).run(...)} allocates nothing. Training on gradients that are scaled or checked needs a
   * state instead.
   *
   * @param number of the step, from 1
   * @param learningRate finite and not negative
   * @return this
   * @throws IllegalArgumentException if one of them is out of range; nothing has changed then
   */
  public OptimizerStepKernel step(long number, float learningRate) {
    if (number < 1) {
      throw new IllegalArgumentException(
          "the number of the step is " + number + ": steps are counted from 1");
    }
    if (!(learningRate >= 0 && learningRate <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "the learning rate must be finite and not negative, not " + learningRate);
    }
    desc.step(number).learning_rate(learningRate);
    return this;
  }

  private boolean hasSecondMoment() {
    return spec.rule != HS_SGD && spec.rule != HS_LARS;
  }

  @Override
  void requireMoments(boolean first, boolean second) {
    boolean firstNeeded = spec.rule != HS_SGD || spec.momentum != 0;
    if ((firstNeeded && !first) || (hasSecondMoment() && !second)) {
      throw new IllegalArgumentException(
          this
              + " needs "
              + (hasSecondMoment() ? "moment1 and moment2" : "moment1 for its momentum")
              + ": give arrays of "
              + spec.count
              + " zeros at the start");
    }
  }

  @Override
  public String toString() {
    return NAMES[spec.rule] + " step of " + spec.count + " parameters";
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final int rule;
    private final long count;
    private boolean nesterov;
    private boolean epsBeforeDebiasing;
    private float beta2;
    private float eps;
    private float trust;
    private float learningRate;
    private float momentum;
    private float weightDecay;
    private float weightUnits = 1;
    private boolean checked;
    private DType copyType = DType.F32;

    private Builder(int rule, long count) {
      this.rule = rule;
      this.count = Sizes.notNegative("count", count);
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The learning rate where no schedule is given. */
    public Builder learningRate(float rate) {
      Builder copy = copy();
      copy.learningRate = rate;
      return copy;
    }

    /** SGD's and LARS's momentum where no schedule is given; whether SGD's is Nesterov's. */
    public Builder momentum(float factor, boolean nesterovs) {
      Builder copy = copy();
      copy.momentum = factor;
      copy.nesterov = nesterovs;
      return copy;
    }

    /** Adam's, AdamW's and LAMB's decay rates of the moments; beta1 without a schedule. */
    public Builder betas(float first, float second) {
      Builder copy = copy();
      copy.momentum = first;
      copy.beta2 = second;
      return copy;
    }

    /** The term in the denominator. */
    public Builder eps(float term) {
      Builder copy = copy();
      copy.eps = term;
      return copy;
    }

    /**
     * Whether Adam and AdamW add eps to sqrt(v), before v is debiased, as Keras and DJL do: p -= lr
     * m^ sqrt(1 - beta2^t) / (sqrt(v) + eps). By default they add it to sqrt(v^), as PyTorch does.
     */
    public Builder epsBeforeDebiasing(boolean before) {
      Builder copy = copy();
      copy.epsBeforeDebiasing = before;
      return copy;
    }

    /** LARS's coefficient. */
    public Builder trust(float coefficient) {
      Builder copy = copy();
      copy.trust = coefficient;
      return copy;
    }

    /** The weight decay where no segments are given; decoupled in AdamW and LAMB. */
    public Builder weightDecay(float decay) {
      Builder copy = copy();
      copy.weightDecay = decay;
      return copy;
    }

    /**
     * The sum of weights that the gradient was divided by; with a state, its weight corrects it.
     */
    public Builder weightUnits(float units) {
      Builder copy = copy();
      copy.weightUnits = units;
      return copy;
    }

    /** The state holds what {@link StepKernels#gradientCheck} found in this step. */
    public Builder checked(boolean was) {
      Builder copy = copy();
      copy.checked = was;
      return copy;
    }

    /** The type of the parameters' copy. */
    public Builder copyType(DType dtype) {
      Builder copy = copy();
      copy.copyType = dtype;
      return copy;
    }

    /** The kernel. */
    public OptimizerStepKernel build() {
      return new OptimizerStepKernel(this);
    }

    private hs_optimizer_desc descriptor() {
      return new hs_optimizer_desc(Structs.memory(hs_optimizer_desc.class))
          .rule(rule)
          .nesterov(nesterov ? 1 : 0)
          .beta2(beta2)
          .eps(eps)
          .eps_before_debiasing(epsBeforeDebiasing ? 1 : 0)
          .trust(trust)
          .learning_rate(learningRate)
          .momentum(momentum)
          .weight_decay(weightDecay)
          .weight_units(weightUnits)
          .checked(checked ? 1 : 0)
          .copy_type(copyType.code());
    }
  }
}
