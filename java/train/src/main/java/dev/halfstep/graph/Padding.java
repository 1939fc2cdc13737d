package dev.halfstep.graph;

import dev.halfstep.DType;

/**
 * Which places of a graph's sequences are padding: those whose token is this one. Attention gives
 * them no weight.
 *
 * @param tokens {@code I32 [batch, positions]}
 * @param token the one that is padding
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
