package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;

/** {@code [batch, a, b, ...]} to {@code [batch, a * b * ...]}, without a copy. */
public final class Flatten implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    long batch = x.shape().dim(0);
    return Ops.reshape(x, Shape.of(batch, x.shape().dropFirst().elements()));
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("Flatten");
  }

  @Override
  public String toString() {
    return "Flatten";
  }
}
