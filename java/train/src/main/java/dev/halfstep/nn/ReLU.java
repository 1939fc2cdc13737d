package dev.halfstep.nn;

import dev.halfstep.kernel.Activation;

/** y = max(x, 0), element for element. */
public final class ReLU implements ActivationLayer {
  @Override
  public Activation activation() {
    return Activation.RELU;
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("ReLU");
  }

  @Override
  public String toString() {
    return "ReLU";
  }
}
