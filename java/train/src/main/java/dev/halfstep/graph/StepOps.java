package dev.halfstep.graph;

import org.jspecify.annotations.Nullable;

/**
 * The operations at the two ends of a training step: batches of the data, and losses. They read and
 * write the step's state, {@code hs_step_state}. As the methods of {@link Ops}, they throw {@link
 * IllegalArgumentException} for shapes or types that they do not take.
 */
public final class StepOps {
  private StepOps() {}

  /**
   * A batch of rows of a table, normalised: y[b] = table[order[cursor + b]] * scale + shift, in the
   * graph's storage type. Tokens stay I32.
   *
   * @param table {@code [rows, ...]}, U8, F32 or I32
   * @param order {@code I32 [samples]}; null for the order of the table
   * @param state {@code hs_step_state}, which has the cursor; null for a cursor of 0
   * @param scale {@code F32 [channels]}, as shift; both null for no normalisation
   * @return {@code [batch, ...]}
   */
  public static Value gather(
      Value table,
      @Nullable Value order,
      @Nullable Value state,
      @Nullable Value scale,
      @Nullable Value shift,
      long batch) {
    return GatherOp.of(table, order, state, scale, shift, batch);
  }

  /** A batch of rows as in {@link #gather}, in the table's type: I32 or F32. */
  public static Value gatherTargets(
      Value table, @Nullable Value order, @Nullable Value state, long batch) {
    return GatherOp.targets(table, order, state, batch);
  }

  /**
   * The softmax cross-entropy, as a graph's end: adds loss, weight and the number correct to the
   * state.
   *
   * @param logits {@code [..., classes]}
   * @param labels {@code I32 [...]}
   * @param classWeights {@code F32 [classes]}, or null: all 1
   * @param labelSmoothing in [0, 1)
   * @param ignoreLabel rows with this label are left out; -1 for none
   * @param seed factor of the gradient, beside the loss scale: 1 / samples of the step
   */
  public static void crossEntropy(
      Value logits,
      Value labels,
      @Nullable Value classWeights,
      Value state,
      float labelSmoothing,
      int ignoreLabel,
      float seed) {
    CrossEntropyOp.of(logits, labels, classWeights, state, labelSmoothing, ignoreLabel, seed);
  }

  /**
   * A loss of each element, as a graph's end: adds the loss, the weight (1 per element) and the
   * number of correct elements to the state.
   *
   * @param prediction {@code [batch, ...]}
   * @param target {@code F32 [batch, ...]}, with as many elements
   * @param seed factor of the gradient, beside the loss scale: 1 / elements of the step
   */
  public static void pointwiseLoss(
      PointwiseLossOp.Kind kind, Value prediction, Value target, Value state, float seed) {
    PointwiseLossOp.of(kind, prediction, target, state, seed);
  }

  /**
   * The mean of losses that other operations computed, as a graph's end: adds the loss and the
   * weight (1 per element) to the state.
   *
   * @param losses {@code [batch, ...]}
   * @param seed factor of the gradient, beside the loss scale: 1 / elements of the step
   */
  public static void meanLoss(Value losses, Value state, float seed) {
    PointwiseLossOp.given(losses, state, seed);
  }
}
