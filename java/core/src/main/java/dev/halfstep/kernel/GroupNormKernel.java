package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_group_norm_desc;
import dev.halfstep.internal.Structs;

/**
 * Group normalisation (Wu and He, 2018) of x {@code [n, positions, channels]}: each sample's groups
 * of neighbouring channels are normalised over positions and channels: {@code y = (x - mean) *
 * invstd * gamma + beta}, with the biased variance. Layer normalisation (Ba et al., 2016) is {@link
 * #layerNorm}.
 *
 * <p>gamma and beta, and their gradients, are F32 {@code [channels]}; savedMean and savedInvstd,
 * which the gradient needs, F32 {@code [n, groups]}. Optional operands (null, or address 0), each
 * pair together: {@code gamma} and {@code beta}, 1 and 0 without them; the statistics of run;
 * {@code dGamma} and {@code dBeta}. Immutable and safe to use from many threads.
 */
public final class GroupNormKernel extends GroupNormKernelForms {
  private final Builder spec;

  private GroupNormKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.type,
        Sizes.product("x", spec.n, spec.positions, spec.channels),
        spec.channels,
        Sizes.product("statistics", spec.n, spec.groups));
    this.spec = spec;
  }

  /** Of x F32 {@code [n, positions, channels]}, eps 1e-5. */
  public static Builder builder(long n, long positions, long channels, int groups) {
    return new Builder(n, positions, channels, groups);
  }

  /** Layer normalisation of x F32 {@code [rows, channels]}: one position, one group. */
  public static Builder layerNorm(long rows, long channels) {
    return new Builder(rows, 1, channels, 1);
  }

  @Override
  public String toString() {
    return "group normalisation "
        + spec.type
        + " ["
        + spec.n
        + ", "
        + spec.positions
        + ", "
        + spec.channels
        + "] in "
        + spec.groups
        + " groups";
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final long n;
    private final long positions;
    private final long channels;
    private final int groups;
    private DType type = DType.F32;
    private float eps = 1e-5f;

    private Builder(long n, long positions, long channels, int groups) {
      this.n = Sizes.notNegative("n", n);
      this.positions = Sizes.positive("positions", positions);
      this.channels = Sizes.positive("channels", channels);
      if (groups < 1 || channels % groups != 0) {
        throw new IllegalArgumentException(
            groups + " groups do not divide " + channels + " channels");
      }
      this.groups = groups;
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The type of x, y and their gradients: F32, BF16 or F16. */
    public Builder type(DType dtype) {
      Builder copy = copy();
      copy.type = dtype;
      return copy;
    }

    /** Added to the variance. */
    public Builder eps(float term) {
      Builder copy = copy();
      copy.eps = term;
      return copy;
    }

    /** The kernel. */
    public GroupNormKernel build() {
      return new GroupNormKernel(this);
    }

    private hs_group_norm_desc descriptor() {
      return new hs_group_norm_desc(Structs.memory(hs_group_norm_desc.class))
          .type(type.code())
          .n(n)
          .positions(positions)
          .channels(channels)
          .groups(groups)
          .eps(eps);
    }
  }
}
