package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;

/**
 * Softmax over the last dimension. A model that is trained with cross-entropy ends in logits,
 * without this layer: the loss contains the softmax.
 */
public final class Softmax implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    return Ops.softmax(x);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Softmax");
  }

  @Override
  public String toString() {
    return "Softmax";
  }
}
