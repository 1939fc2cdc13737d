package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;

/**
 * Adds a learned vector for each position: y = x + weight, x {@code [batch, positions, width]}.
 * {@code weight} {@code [most positions, width]} is drawn from the standard normal distribution, as
 * the table of an {@link Embedding} is.
 */
public final class PositionEmbedding implements Layer {
  private final long positions;

  /**
   * A layer for at most {@code positions} positions.
   *
   * @throws IllegalArgumentException if the number is not positive
   */
  public PositionEmbedding(long positions) {
    if (positions < 1) {
      throw new IllegalArgumentException("there is at least 1 position, not " + positions);
    }
    this.positions = positions;
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() != 3 || x.shape().dim(1) > positions) {
      throw scope
          .graph()
          .refusal(
              "positions are added to [batch, up to " + positions + ", width], not " + x.shape());
    }
    Shape shape = Shape.of(positions, x.shape().dim(2));
    Value weight = scope.parameter("weight", shape, new Initializer.Normal(0, 1));
    long used = x.shape().dim(1);
    Value rows = used == positions ? weight : Ops.split(weight, 0, used, positions - used).get(0);
    return Ops.add(x, rows);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("PositionEmbedding").with("positions", positions);
  }

  /** Reads what {@link #spec} wrote. */
  static PositionEmbedding of(LayerSpec spec) {
    return new PositionEmbedding(spec.whole("positions", 1, Shape.MAX_ELEMENTS));
  }

  @Override
  public String toString() {
    return "PositionEmbedding(" + positions + ")";
  }
}
