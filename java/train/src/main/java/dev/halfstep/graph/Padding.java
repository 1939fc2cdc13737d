package dev.halfstep.graph;

import dev.halfstep.DType;

/**
 * Marks the padding of sequences: the positions that hold this token. Attention gives them no
 * weight.
 *
 * @param tokens {@code I32 [batch, positions]}
 * @param token the token that marks padding
 */
public record Padding(Value tokens, int token) {
  /** Checks the shape. */
  public Padding {
    if (tokens.type() != DType.I32 || tokens.shape().rank() != 2) {
      throw tokens
          .graph()
          .refusal("padding is a token of I32 [batch, positions], not of " + tokens);
    }
  }
}
