package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_BCE_WITH_LOGITS;
import static dev.halfstep.bindings.Native.HS_GIVEN_LOSS;
import static dev.halfstep.bindings.Native.HS_MSE;

import dev.halfstep.DType;

/**
 * Losses of each element of a prediction {@code [rows, columns]}, F32, BF16 or F16, against a
 * target F32 of the same shape: loss and gradient in one pass. Each element has weight 1; a row
 * counts as correct by the share of its elements that are correct. The gradient is multiplied by
 * the state's loss scale and by a seed: 1 / elements gives the gradient of the mean.
 *
 * <p>Optional operands (null, or address 0): {@code state}, {@code dPrediction}, and {@code target}
 * of {@link #given} losses. Immutable and safe to use from many threads.
 */
public final class PointwiseLossKernel extends PointwiseLossKernelForms {
  private final String name;

  private PointwiseLossKernel(
      int loss, String name, DType type, long rows, long columns, float gradientSeed) {
    super(
        loss,
        type,
        Sizes.notNegative("rows", rows),
        Sizes.product("prediction", rows, Sizes.positive("columns", columns)),
        gradientSeed);
    this.name = name;
  }

  /** Squared error, {@code (prediction - target)^2}, of predictions {@code [rows, columns]}. */
  public static PointwiseLossKernel squaredError(
      DType type, long rows, long columns, float gradientSeed) {
    return new PointwiseLossKernel(HS_MSE, "squared error", type, rows, columns, gradientSeed);
  }

  /**
   * Binary cross-entropy of logits {@code [rows, columns]} against targets in [0, 1]; an element is
   * correct where {@code (logit > 0) == (target > 0.5)}.
   */
  public static PointwiseLossKernel binaryCrossEntropy(
      DType type, long rows, long columns, float gradientSeed) {
    return new PointwiseLossKernel(
        HS_BCE_WITH_LOGITS, "binary cross-entropy", type, rows, columns, gradientSeed);
  }

  /**
   * Losses {@code [rows, columns]} that were computed before: the prediction is the loss, and its
   * gradient 1. There is no target: it is null, or address 0.
   */
  public static PointwiseLossKernel given(DType type, long rows, long columns, float gradientSeed) {
    return new PointwiseLossKernel(
        HS_GIVEN_LOSS, "given losses", type, rows, columns, gradientSeed);
  }

  @Override
  public String toString() {
    return name + " " + type + " of " + count + " elements in " + rows + " rows";
  }
}
