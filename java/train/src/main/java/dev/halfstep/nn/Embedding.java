package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Padding;
import dev.halfstep.graph.Value;

/**
 * Tokens {@code I32 [batch, ...]} to the rows {@code [batch, ..., width]} of a table that they
 * name: {@code weight} {@code [vocabulary, width]}, normal with deviation 1 at first. Immutable.
 */
public final class Embedding implements Layer {
  private static final int NO_PADDING = -1;

  private final long vocabulary;
  private final long width;
  private final int padding;

  /**
   * A layer for tokens in [0, vocabulary).
   *
   * @throws IllegalArgumentException if a number is not positive
   */
  public Embedding(long vocabulary, long width) {
    if (vocabulary < 1 || width < 1) {
      throw new IllegalArgumentException(
          "an embedding has at least 1 token and 1 number each, not "
              + vocabulary
              + " and "
              + width);
    }
    this.vocabulary = vocabulary;
    this.width = width;
    this.padding = NO_PADDING;
  }

  private Embedding(Embedding from, int padding) {
    this.vocabulary = from.vocabulary;
    this.width = from.width;
    this.padding = padding;
  }

  /**
   * The same with a token that fills short sequences up. {@link MultiHeadAttention} in the same
   * model gives its places no weight, as with PyTorch's {@code key_padding_mask} and Keras's {@code
   * mask_zero}, so that a sequence says at its own places what it says without padding, on either
   * side; where a place sees padding alone, attention gives it the bias of its last product. Its
   * row of the table is one like any other. What comes behind attention decides what padded places
   * count for: a loss leaves them out where their labels are the ignored one.
   *
   * @throws IllegalArgumentException if it is not in [0, vocabulary)
   */
  public Embedding padding(int token) {
    if (token < 0 || token >= vocabulary) {
      throw new IllegalArgumentException(
          "the token that is padding is in [0, " + vocabulary + "), not " + token);
    }
    return new Embedding(this, token);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (padding != NO_PADDING) {
      scope.padding(new Padding(x, padding));
    }
    return Ops.embedding(
        scope.parameter("weight", Shape.of(vocabulary, width), new Initializer.Normal(0, 1)), x);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Embedding")
        .with("vocabulary", vocabulary)
        .with("width", width)
        .with("padding", padding);
  }

  /** Reads what {@link #spec} wrote. */
  static Embedding of(LayerSpec spec) {
    Embedding all =
        new Embedding(
            spec.whole("vocabulary", 1, Shape.MAX_ELEMENTS),
            spec.whole("width", 1, Shape.MAX_ELEMENTS));
    int token = spec.wholeInt("padding", NO_PADDING);
    return token == NO_PADDING ? all : all.padding(token);
  }

  @Override
  public String toString() {
    return "Embedding("
        + vocabulary
        + ", "
        + width
        + (padding == NO_PADDING ? ")" : ", padding " + padding + ")");
  }
}
