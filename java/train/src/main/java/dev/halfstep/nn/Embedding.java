package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Padding;
import dev.halfstep.graph.Value;

/**
 * Looks up each token {@code I32 [batch, ...]} in a table {@code weight} {@code [vocabulary,
 * width]} and returns the rows {@code [batch, ..., width]}. The table is drawn from the standard
 * normal distribution. Immutable.
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
   * The same layer with a padding token, which fills up short sequences at either end. {@link
   * MultiHeadAttention} in the same model gives positions with this token no weight, as PyTorch's
   * {@code key_padding_mask} and Keras's {@code mask_zero} do, so the outputs at the other
   * positions are those of the sequence without padding. A position that may attend to padding only
   * gets the bias of the output projection. The padding token's row of the table is trained like
   * any other. Layers after the attention still compute the padded positions; the loss leaves them
   * out if their labels are the ignored label.
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
