package dev.halfstep.nn;

import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;

/**
 * The mean of each channel over all pixels: {@code [batch, ..., channels]} to {@code [batch,
 * channels]}.
 */
public final class GlobalAveragePool implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    int rank = x.shape().rank();
    if (rank < 3) {
      throw scope
          .graph()
          .refusal("a global average takes [batch, pixels ..., channels], not " + x.shape());
    }
    int[] pixels = new int[rank - 2];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i + 1;
    }
    return Ops.mean(x, pixels);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("GlobalAveragePool");
  }

  @Override
  public String toString() {
    return "GlobalAveragePool";
  }
}
