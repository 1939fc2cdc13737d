package dev.halfstep.kernel;

/** Functions applied to each element, with the codes of {@code hs_activation}. */
public enum Activation {
  /** x. */
  NONE(0),
  /** max(x, 0). */
  RELU(1),
  /** x * Phi(x), exact, with erf (Hendrycks and Gimpel, 2016). */
  GELU(2),
  /** 1 / (1 + exp(-x)). */
  SIGMOID(3),
  /** The hyperbolic tangent. */
  TANH(4);

  private final int code;

  Activation(int code) {
    this.code = code;
  }

  /** The value of {@code hs_activation} in the C ABI. */
  public int code() {
    return code;
  }
}
