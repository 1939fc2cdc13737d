package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Value;

/**
 * Tokens {@code I32 [batch, ...]} to the rows {@code [batch, ..., width]} of a table that they
 * name: {@code weight} {@code [vocabulary, width]}, normal with deviation 1 at first.
 */
public final class Embedding implements Layer {
  private final long vocabulary;
  private final long width;

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
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return dev.halfstep.graph.Embedding.of(
        scope.parameter("weight", Shape.of(vocabulary, width), new Initializer.Normal(0, 1)), x);
  }

  @Override
  public String toString() {
    return "Embedding(" + vocabulary + ", " + width + ")";
  }
}
