package dev.halfstep.optim;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.graph.PointwiseLossOp;
import dev.halfstep.graph.StepOps;
import dev.halfstep.graph.Value;

/**
 * A loss of each of the model's outputs against a value, averaged over all outputs of all samples,
 * as PyTorch's {@code MSELoss} and {@code BCEWithLogitsLoss} with reduction "mean". With logits, a
 * sample counts as correct by the share of its logits that are on the side of their target; with
 * squared errors, no sample counts as correct.
 *
 * @param kind which loss
 */
public record ElementwiseLoss(PointwiseLossOp.Kind kind) implements Loss {
  @Override
  public DType targetType() {
    return DType.F32;
  }

  /** One value for each output. */
  @Override
  public Shape targetShape(Shape output) {
    return output;
  }

  @Override
  public boolean countsCorrect() {
    return kind == PointwiseLossOp.Kind.BINARY_CROSS_ENTROPY;
  }

  @Override
  public void add(Value output, Value targets, Value state, float seed) {
    StepOps.pointwiseLoss(kind, output, targets, state, seed);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case SQUARED_ERROR -> "mean squared error";
      case BINARY_CROSS_ENTROPY -> "binary cross-entropy";
      case GIVEN -> throw new AssertionError("no loss by itself");
    };
  }
}
