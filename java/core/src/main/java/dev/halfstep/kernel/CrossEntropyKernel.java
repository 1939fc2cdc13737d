package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_cross_entropy_desc;
import dev.halfstep.internal.Structs;

/**
 * Softmax cross-entropy of logits {@code [rows, classes]} against labels I32 {@code [rows]}: loss,
 * gradient and number correct in one pass, as PyTorch defines them. With {@code q = (1 - smoothing)
 * onehot + smoothing / classes}: {@code loss_r = -sum over c of w_c q_rc log p_rc}, and the weight
 * of a row is that of its label.
 *
 * <p>Optional operands (null, or address 0): {@code classWeights}, F32 {@code [classes]}, all 1
 * without it; {@code state}, to which the sums are added; {@code dLogits}, the gradient, which may
 * be the logits themselves; {@code rowLoss}, F32 {@code [rows]}. A label outside {@code [0,
 * classes)} that is not the ignored one makes loss and gradient NaN and is reported in the state.
 * Immutable and safe to use from many threads.
 */
public final class CrossEntropyKernel extends CrossEntropyKernelForms {
  private CrossEntropyKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.type,
        spec.rows,
        spec.classes,
        Sizes.product("logits", spec.rows, spec.classes));
  }

  /** For logits F32 {@code [rows, classes]}; the gradient is that of the mean over all rows. */
  public static Builder builder(long rows, long classes) {
    return new Builder(rows, classes);
  }

  @Override
  public String toString() {
    return "cross-entropy " + type + " [" + rows + ", " + classes + "]";
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final long rows;
    private final long classes;
    private DType type = DType.F32;
    private float labelSmoothing;
    private int ignoreLabel = -1;
    private float gradientSeed;

    private Builder(long rows, long classes) {
      if (rows < 0 || classes < 1) {
        throw new IllegalArgumentException(
            "cross-entropy of logits ["
                + rows
                + ", "
                + classes
                + "]: rows must not be negative and there must be a class");
      }
      this.rows = rows;
      this.classes = classes;
      this.gradientSeed = rows == 0 ? 0 : 1f / rows;
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The type of the logits and their gradient: F32, BF16 or F16. */
    public Builder type(DType dtype) {
      Builder copy = copy();
      copy.type = dtype;
      return copy;
    }

    /** The smoothing, in [0, 1); default 0. */
    public Builder labelSmoothing(float smoothing) {
      if (!(smoothing >= 0 && smoothing < 1)) {
        throw new IllegalArgumentException("label smoothing " + smoothing + " is not in [0, 1)");
      }
      Builder copy = copy();
      copy.labelSmoothing = smoothing;
      return copy;
    }

    /**
     * Rows with this label are left out of the loss, and their gradient is 0. Default -1: no row is
     * left out.
     */
    public Builder ignoreLabel(int label) {
      Builder copy = copy();
      copy.ignoreLabel = label;
      return copy;
    }

    /**
     * The gradient is multiplied by this factor and by the state's loss scale. Default 1 / rows.
     */
    public Builder gradientSeed(float seed) {
      Builder copy = copy();
      copy.gradientSeed = seed;
      return copy;
    }

    /** The kernel. */
    public CrossEntropyKernel build() {
      return new CrossEntropyKernel(this);
    }

    private hs_cross_entropy_desc descriptor() {
      return new hs_cross_entropy_desc(Structs.memory(hs_cross_entropy_desc.class))
          .type(type.code())
          .rows(rows)
          .classes(classes)
          .label_smoothing(labelSmoothing)
          .ignore_label(ignoreLabel)
          .gradient_seed(gradientSeed);
    }
  }
}
