package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.GroupNorm;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Value;

/**
 * Layer normalisation (Ba et al., 2016) over the last dimension of x {@code [batch, ...,
 * channels]}, eps 1e-5, with {@code weight} (1 at first) and {@code bias} (0) {@code [channels]}.
 */
public final class LayerNorm implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() < 2) {
      throw scope
          .graph()
          .refusal("layer normalisation takes [batch, ..., channels], not " + x.shape());
    }
    Shape channels = Shape.of(x.shape().dim(-1));
    FileLayout layout = FileLayout.ofFeatures(channels, x.image());
    return GroupNorm.layer(
        x,
        scope.parameter("weight", channels, new Initializer.Constant(1), layout),
        scope.parameter("bias", channels, new Initializer.Constant(0), layout));
  }

  @Override
  public String toString() {
    return "LayerNorm";
  }
}
