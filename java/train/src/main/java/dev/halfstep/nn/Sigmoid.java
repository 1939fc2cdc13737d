package dev.halfstep.nn;

import dev.halfstep.kernel.Activation;

/** y = 1 / (1 + exp(-x)), element for element. */
public final class Sigmoid implements ActivationLayer {
  @Override
  public Activation activation() {
    return Activation.SIGMOID;
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Sigmoid");
  }

  @Override
  public String toString() {
    return "Sigmoid";
  }
}
