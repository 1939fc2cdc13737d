package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_cross_entropy;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_cross_entropy_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

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
public final class CrossEntropy {
  private static final Access ACCESS = Access.get();

  private final hs_cross_entropy_desc desc;
  private final DType type;
  private final long rows;
  private final long classes;
  private final long size;

  private CrossEntropy(Builder spec) {
    this.type = spec.type;
    this.rows = spec.rows;
    this.classes = spec.classes;
    this.size = Sizes.product("logits", rows, classes);
    this.desc =
        new hs_cross_entropy_desc(Structs.memory(hs_cross_entropy_desc.class))
            .type(spec.type.code())
            .rows(spec.rows)
            .classes(spec.classes)
            .label_smoothing(spec.labelSmoothing)
            .ignore_label(spec.ignoreLabel)
            .gradient_seed(spec.gradientSeed);
  }

  /** Of logits F32 {@code [rows, classes]}, the gradient that of the mean over all rows. */
  public static Builder builder(long rows, long classes) {
    return new Builder(rows, classes);
  }

  /**
   * Runs on tensors of the stream's device; state is a tensor from {@link StepKernels#newState}.
   */
  public void run(
      Stream stream,
      Tensor logits,
      Tensor labels,
      @Nullable Tensor classWeights,
      @Nullable Tensor state,
      @Nullable Tensor dLogits,
      @Nullable Tensor rowLoss) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_cross_entropy(
              handle,
              desc,
              ACCESS.use(stream, logits, "logits", type, size),
              ACCESS.use(stream, labels, "labels", DType.I32, rows),
              ACCESS.useOptional(stream, classWeights, "classWeights", DType.F32, classes),
              ACCESS.useOptional(stream, state, "state", DType.U8, HostStepState.BYTES),
              ACCESS.useOptional(stream, dLogits, "dLogits", type, size),
              ACCESS.useOptional(stream, rowLoss, "rowLoss", DType.F32, rows)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Runs on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(
      Buffer logits,
      Buffer labels,
      @Nullable Buffer classWeights,
      @Nullable HostStepState state,
      @Nullable Buffer dLogits,
      @Nullable Buffer rowLoss) {
    Native.check(
        hs_cross_entropy(
            0,
            desc,
            Operands.input(logits, "logits", type, size),
            Operands.input(labels, "labels", DType.I32, rows),
            Operands.optionalInput(classWeights, "classWeights", DType.F32, classes),
            HostStepState.addressOf(state),
            Operands.optionalOutput(dLogits, "dLogits", type, size),
            Operands.optionalOutput(rowLoss, "rowLoss", DType.F32, rows)));
    Operands.keepAlive(logits, labels, classWeights, state, dLogits, rowLoss);
  }

  /**
   * Runs on the CPU at once, from any thread, on arrays; F32 only. The collector waits meanwhile.
   */
  public void run(
      float[] logits,
      int[] labels,
      float @Nullable [] classWeights,
      @Nullable HostStepState state,
      float @Nullable [] dLogits,
      float @Nullable [] rowLoss) {
    Operands.requireF32("cross-entropy", type, type);
    Native.check(
        ArrayCalls.hs_cross_entropy(
            0,
            desc,
            Operands.array(logits, "logits", size),
            Operands.array(labels, "labels", rows),
            Operands.optional(classWeights, "classWeights", classes),
            HostStepState.addressOf(state),
            Operands.optional(dLogits, "dLogits", size),
            Operands.optional(rowLoss, "rowLoss", rows)));
    Operands.keepAlive(state, null, null, null, null, null);
  }

  /**
   * Runs on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(
      @Nullable Stream stream,
      long logits,
      long labels,
      long classWeights,
      long state,
      long dLogits,
      long rowLoss) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_cross_entropy(handle, desc, logits, labels, classWeights, state, dLogits, rowLoss));
    } finally {
      ACCESS.exit(stream);
    }
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

    /** In [0, 1); 0 without it. */
    public Builder labelSmoothing(float smoothing) {
      if (!(smoothing >= 0 && smoothing < 1)) {
        throw new IllegalArgumentException("label smoothing " + smoothing + " is not in [0, 1)");
      }
      Builder copy = copy();
      copy.labelSmoothing = smoothing;
      return copy;
    }

    /** Rows with this label count for nothing; -1, as without it: none is ignored. */
    public Builder ignoreLabel(int label) {
      Builder copy = copy();
      copy.ignoreLabel = label;
      return copy;
    }

    /** The gradient is multiplied by it, and by the state's loss scale; 1 / rows without it. */
    public Builder gradientSeed(float seed) {
      Builder copy = copy();
      copy.gradientSeed = seed;
      return copy;
    }

    /** The kernel. */
    public CrossEntropy build() {
      return new CrossEntropy(this);
    }
  }
}
