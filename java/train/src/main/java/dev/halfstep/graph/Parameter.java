package dev.halfstep.graph;

import dev.halfstep.DType;
import dev.halfstep.Shape;

/**
 * A named tensor that a model keeps. Its values live in the F32 parameter arena; if it has two
 * dimensions or more, the graph reads a copy of it in its storage type.
 *
 * @param name as PyTorch would name it: {@code 0.weight}, {@code fc1.bias}
 * @param shape in memory: {@code [out, in]} for a linear layer, {@code [out, height, width, in]}
 *     for a convolution
 * @param initializer draws its first values
 * @param role whether training changes it
 * @param fileLayout the order of its numbers in files
 */
public record Parameter(
    String name, Shape shape, Initializer initializer, Role role, FileLayout fileLayout) {
  /** How a parameter's values change. */
  public enum Role {
    /** The optimizer, by its gradient. */
    TRAINED,
    /** Nothing: no gradient is computed, and the optimizer does not change it. */
    FROZEN,
    /** The forward pass in training, as running statistics: PyTorch calls it a buffer. */
    STATE
  }

  /** A trained parameter whose numbers have the same order in files as in memory. */
  public Parameter(String name, Shape shape, Initializer initializer) {
    this(name, shape, initializer, Role.TRAINED, FileLayout.asInMemory(shape));
  }

  /** This parameter in another role. */
  public Parameter as(Role other) {
    return new Parameter(name, shape, initializer, other, fileLayout);
  }

  /** Whether this is a matrix or larger: weight decay applies, and a storage copy is kept. */
  public boolean isMatrix() {
    return shape.rank() >= 2;
  }

  /** The type in which a graph of this storage type reads it. */
  public DType readAs(DType storage) {
    return isMatrix() ? storage : DType.F32;
  }
}
