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
  TANH(4),
  /** |x|, whose slope at 0 is 0. */
  ABS(5),
  /** The square root; NaN below 0. */
  SQRT(6),
  /** e^x. */
  EXP(7),
  /** The natural logarithm; -infinity at 0, NaN below. */
  LOG(8);

  private final int code;

  Activation(int code) {
    this.code = code;
  }

  /** Whether the gradient is computed from the input x; otherwise it is from the output. */
  public boolean savesInput() {
    return this == GELU || this == ABS || this == LOG;
  }

  /** The value of {@code hs_activation} in the C ABI. */
  public int code() {
    return code;
  }
}
