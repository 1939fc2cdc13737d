package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;

/**
 * A learned tensor. Its values live in the F32 parameter arena; of what has two dimensions or more
 * the graph reads a copy in its storage type.
 *
 * @param name as PyTorch would name it: {@code 0.weight}, {@code fc1.bias}
 * @param shape as PyTorch stores it: {@code [out, in]} for a linear layer
 * @param initializer where its first values come from
 */
public record Parameter(String name, Shape shape, Initializer initializer) {
  /** Whether this is a matrix or larger: weight decay applies, and a storage copy is kept. */
  public boolean isMatrix() {
    return shape.rank() >= 2;
  }

  /** The type in which a graph of this storage type reads it. */
  public DType readAs(DType storage) {
    return isMatrix() ? storage : DType.F32;
  }
}
