package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;

/**
 * Drops a share of the elements in training and scales the others by 1 / (1 - rate) (Srivastava et
 * al., 2014); in evaluation it returns x itself. The session's seed, the number of the dropout in
 * the model and the count of micro-batches decide which elements are dropped.
 */
public final class Dropout implements Layer {
  private final double rate;

  /**
   * A layer that drops this share of the elements.
   *
   * @param rate in [0, 1)
   * @throws IllegalArgumentException if it is not
   */
  public Dropout(double rate) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("a dropout rate is in [0, 1), not " + rate);
    }
    this.rate = rate;
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return Ops.dropout(x, rate);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Dropout").with("rate", rate);
  }

  @Override
  public String toString() {
    return "Dropout(" + rate + ")";
  }
}
