package dev.halfstep.nn;

import dev.halfstep.graph.SoftmaxOp;
import dev.halfstep.graph.Value;

/**
 * Softmax over the last dimension. A model that is trained with cross-entropy ends in logits, not
 * in this: the loss contains it.
 */
public final class Softmax implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    return SoftmaxOp.of(x, 1, false);
  }

  @Override
  public String toString() {
    return "Softmax";
  }
}
