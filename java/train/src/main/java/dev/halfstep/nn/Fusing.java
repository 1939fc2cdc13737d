package dev.halfstep.nn;

import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;
import org.jspecify.annotations.Nullable;

/** A layer whose last kernel can also add a residual and apply the activation that follows. */
sealed interface Fusing extends Layer permits BatchNorm, Conv2d, Linear, Residual, Sequential {
  /** Whether its last kernel applies this activation; all apply {@link Activation#NONE}. */
  boolean fuses(Activation activation);

  /** Whether its last kernel adds a residual before the activation. */
  boolean addsResidual();

  /**
   * Applies the layer, then adds the residual, then applies the activation.
   *
   * @param residual null, unless the layer {@link #addsResidual}
   */
  Value apply(Scope scope, Value x, @Nullable Value residual, Activation activation);
}
