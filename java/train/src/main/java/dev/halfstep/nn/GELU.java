package dev.halfstep.nn;

import dev.halfstep.kernel.Activation;

/** y = x Phi(x), exact, with erf (Hendrycks and Gimpel, 2016), element for element. */
public final class GELU implements ActivationLayer {
  @Override
  public Activation activation() {
    return Activation.GELU;
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("GELU");
  }

  @Override
  public String toString() {
    return "GELU";
  }
}
