package dev.halfstep.nn;

import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;

/** A layer whose kernel can apply the activation that follows it. */
sealed interface Fusing extends Layer permits Linear {
  /** Whether its kernel applies this activation. */
  boolean fuses(Activation activation);

  /** Applies the layer and then the activation. */
  Value apply(Scope scope, Value x, Activation activation);
}
