package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_BCE_WITH_LOGITS;
import static dev.halfstep.bindings.Native.HS_MSE;
import static dev.halfstep.bindings.Native.hs_pointwise_loss;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Losses of each element of a prediction {@code [rows, columns]}, F32, BF16 or F16, against a
 * target F32 of the same shape, loss and gradient in one pass. Each element has weight 1; a row
 * counts as correct by the share of its elements that are. The gradient is multiplied by a seed, 1
 * / elements for that of the mean, and by the state's loss scale.
 *
 * <p>Optional operands (null, or address 0): {@code state}, {@code dPrediction}. Immutable and safe
 * to use from many threads.
 */
public final class PointwiseLoss {
  private static final Access ACCESS = Access.get();

  private final int loss;
  private final String name;
  private final DType type;
  private final long rows;
  private final long count;
  private final float gradientSeed;

  private PointwiseLoss(
      int loss, String name, DType type, long rows, long columns, float gradientSeed) {
    Native.load();
    this.loss = loss;
    this.name = name;
    this.type = type;
    this.rows = Sizes.notNegative("rows", rows);
    this.count = Sizes.product("prediction", rows, Sizes.positive("columns", columns));
    this.gradientSeed = gradientSeed;
  }

  /** Squared error, {@code (prediction - target)^2}, of predictions {@code [rows, columns]}. */
  public static PointwiseLoss squaredError(
      DType type, long rows, long columns, float gradientSeed) {
    return new PointwiseLoss(HS_MSE, "squared error", type, rows, columns, gradientSeed);
  }

  /**
   * Binary cross-entropy of logits {@code [rows, columns]} against targets in [0, 1]; an element is
   * correct where {@code (logit > 0) == (target > 0.5)}.
   */
  public static PointwiseLoss binaryCrossEntropy(
      DType type, long rows, long columns, float gradientSeed) {
    return new PointwiseLoss(
        HS_BCE_WITH_LOGITS, "binary cross-entropy", type, rows, columns, gradientSeed);
  }

  /**
   * Adds the sums to the state and writes the gradient, which may be the prediction. Runs on
   * tensors of the stream's device; state is one from {@link StepKernels#newState}.
   */
  public void run(
      Stream stream,
      Tensor prediction,
      Tensor target,
      @Nullable Tensor state,
      @Nullable Tensor dPrediction) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_pointwise_loss(
              handle,
              loss,
              type.code(),
              rows,
              count,
              gradientSeed,
              ACCESS.use(stream, prediction, "prediction", type, count),
              ACCESS.use(stream, target, "target", DType.F32, count),
              ACCESS.useOptional(stream, state, "state", DType.U8, HostStepState.BYTES),
              ACCESS.useOptional(stream, dPrediction, "dPrediction", type, count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(
      Buffer prediction,
      Buffer target,
      @Nullable HostStepState state,
      @Nullable Buffer dPrediction) {
    Native.check(
        hs_pointwise_loss(
            0,
            loss,
            type.code(),
            rows,
            count,
            gradientSeed,
            Operands.input(prediction, "prediction", type, count),
            Operands.input(target, "target", DType.F32, count),
            HostStepState.addressOf(state),
            Operands.optionalOutput(dPrediction, "dPrediction", type, count)));
    Operands.keepAlive(prediction, target, state, dPrediction, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(
      float[] prediction,
      float[] target,
      @Nullable HostStepState state,
      float @Nullable [] dPrediction) {
    Operands.requireF32("loss", type, type);
    Native.check(
        ArrayCalls.hs_pointwise_loss(
            0,
            loss,
            type.code(),
            rows,
            count,
            gradientSeed,
            Operands.array(prediction, "prediction", count),
            Operands.array(target, "target", count),
            HostStepState.addressOf(state),
            Operands.optional(dPrediction, "dPrediction", count)));
    Operands.keepAlive(state, null, null, null, null, null);
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(
      @Nullable Stream stream, long prediction, long target, long state, long dPrediction) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_pointwise_loss(
              handle,
              loss,
              type.code(),
              rows,
              count,
              gradientSeed,
              prediction,
              target,
              state,
              dPrediction));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return name + " " + type + " of " + count + " elements in " + rows + " rows";
  }
}
