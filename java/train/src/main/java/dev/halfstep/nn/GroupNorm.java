package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Value;

/**
 * Group normalisation (Wu and He, 2018) of x {@code [batch, ..., channels]}: groups of neighbouring
 * channels of each sample, over all its positions, eps 1e-5, with {@code weight} (1 at first) and
 * {@code bias} (0) {@code [channels]}.
 */
public final class GroupNorm implements Layer {
  private final int groups;

  /**
   * A layer of so many groups.
   *
   * @param groups divides the channels
   */
  public GroupNorm(int groups) {
    this.groups = groups;
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() < 2) {
      throw scope
          .graph()
          .refusal("group normalisation takes [batch, ..., channels], not " + x.shape());
    }
    Shape channels = Shape.of(x.shape().dim(-1));
    return dev.halfstep.graph.GroupNorm.of(
        x,
        scope.parameter("weight", channels, new Initializer.Constant(1)),
        scope.parameter("bias", channels, new Initializer.Constant(0)),
        groups);
  }

  @Override
  public String toString() {
    return "GroupNorm(" + groups + ")";
  }
}
