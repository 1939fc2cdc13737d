package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;
import dev.halfstep.kernel.Activation;

/**
 * An activation as a layer; {@link Sequential} lets the kernel of the layer before it apply the
 * activation where that is possible.
 */
sealed interface ActivationLayer extends Layer permits GELU, ReLU, Sigmoid, Tanh {
  /** Which function. */
  Activation activation();

  @Override
  default Value apply(Scope scope, Value x) {
    return Ops.activation(x, activation());
  }
}
