package dev.halfstep.nn;

import dev.halfstep.kernel.Activation;

/** y = tanh(x), element for element. */
public final class Tanh implements ActivationLayer {
  @Override
  public Activation activation() {
    return Activation.TANH;
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Tanh");
  }

  @Override
  public String toString() {
    return "Tanh";
  }
}
