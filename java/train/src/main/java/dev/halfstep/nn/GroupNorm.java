package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.FileLayout;
import dev.halfstep.graph.Initializer;
import dev.halfstep.graph.Ops;
import dev.halfstep.graph.Value;

/**
 * Group normalisation (Wu and He, 2018) of x {@code [batch, ..., channels]}: each sample's groups
 * of neighbouring channels are normalised over all its positions, with eps 1e-5, {@code weight} (1
 * at first) and {@code bias} (0) {@code [channels]}. Immutable.
 */
public final class GroupNorm implements Layer {
  private final int groups;
  private final float eps;

  /**
   * A layer that cuts the channels into {@code groups}.
   *
   * @param groups divides the channels
   */
  public GroupNorm(int groups) {
    this(groups, 1e-5f);
  }

  private GroupNorm(int groups, float eps) {
    this.groups = groups;
    this.eps = eps;
  }

  /**
   * The same layer with another eps, the number that is added to the variance.
   *
   * @throws IllegalArgumentException if it is not a finite number above 0
   */
  public GroupNorm eps(double eps) {
    return new GroupNorm(groups, LayerNorm.checkedEps(eps));
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() < 2) {
      throw scope
          .graph()
          .refusal("group normalisation takes [batch, ..., channels], not " + x.shape());
    }
    Shape image = x.image();
    if (image != null && image.dim(2) > 1 && groups > 1) {
      throw scope
          .graph()
          .refusal(
              "the groups of a flattened image "
                  + image
                  + " are other features here than in PyTorch, which has the channels first:"
                  + " normalise before it is flattened");
    }
    Shape channels = Shape.of(x.shape().dim(-1));
    FileLayout layout = FileLayout.ofFeatures(channels, image);
    return Ops.groupNorm(
        x,
        scope.parameter("weight", channels, new Initializer.Constant(1), layout),
        scope.parameter("bias", channels, new Initializer.Constant(0), layout),
        groups,
        eps);
  }

  @Override
  public LayerSpec spec() {
    return LayerSpec.of("GroupNorm").with("groups", groups).with("eps", eps);
  }

  /** Reads what {@link #spec} wrote. */
  static GroupNorm of(LayerSpec spec) {
    return new GroupNorm(spec.wholeInt("groups", 1)).eps(spec.number("eps"));
  }

  @Override
  public String toString() {
    return "GroupNorm(" + groups + (eps == 1e-5f ? ")" : ", eps " + eps + ")");
  }
}
