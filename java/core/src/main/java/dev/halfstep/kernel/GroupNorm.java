package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_group_norm;
import static dev.halfstep.bindings.Native.hs_group_norm_backward;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_group_norm_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

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
public final class GroupNorm {
  private static final Access ACCESS = Access.get();

  private final hs_group_norm_desc desc;
  private final DType type;
  private final long n;
  private final long positions;
  private final long channels;
  private final int groups;
  private final long size;
  private final long statistics;

  private GroupNorm(Builder spec) {
    this.type = spec.type;
    this.n = spec.n;
    this.positions = spec.positions;
    this.channels = spec.channels;
    this.groups = spec.groups;
    this.size = Sizes.product("x", n, positions, channels);
    this.statistics = Sizes.product("statistics", n, groups);
    this.desc =
        new hs_group_norm_desc(Structs.memory(hs_group_norm_desc.class))
            .type(spec.type.code())
            .n(spec.n)
            .positions(spec.positions)
            .channels(spec.channels)
            .groups(spec.groups)
            .eps(spec.eps);
  }

  /** Of x F32 {@code [n, positions, channels]}, eps 1e-5. */
  public static Builder builder(long n, long positions, long channels, int groups) {
    return new Builder(n, positions, channels, groups);
  }

  /** Layer normalisation of x F32 {@code [rows, channels]}: one position, one group. */
  public static Builder layerNorm(long rows, long channels) {
    return new Builder(rows, 1, channels, 1);
  }

  /** Normalises. y may be x. Runs on tensors of the stream's device. */
  public void run(
      Stream stream,
      Tensor x,
      @Nullable Tensor gamma,
      @Nullable Tensor beta,
      Tensor y,
      @Nullable Tensor savedMean,
      @Nullable Tensor savedInvstd) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_group_norm(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, size),
              ACCESS.useOptional(stream, gamma, "gamma", DType.F32, channels),
              ACCESS.useOptional(stream, beta, "beta", DType.F32, channels),
              ACCESS.use(stream, y, "y", type, size),
              ACCESS.useOptional(stream, savedMean, "savedMean", DType.F32, statistics),
              ACCESS.useOptional(stream, savedInvstd, "savedInvstd", DType.F32, statistics)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(
      Buffer x,
      @Nullable Buffer gamma,
      @Nullable Buffer beta,
      Buffer y,
      @Nullable Buffer savedMean,
      @Nullable Buffer savedInvstd) {
    Native.check(
        hs_group_norm(
            0,
            desc,
            Operands.input(x, "x", type, size),
            Operands.optionalInput(gamma, "gamma", DType.F32, channels),
            Operands.optionalInput(beta, "beta", DType.F32, channels),
            Operands.output(y, "y", type, size),
            Operands.optionalOutput(savedMean, "savedMean", DType.F32, statistics),
            Operands.optionalOutput(savedInvstd, "savedInvstd", DType.F32, statistics)));
    Operands.keepAlive(x, gamma, beta, y, savedMean, savedInvstd);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(
      float[] x,
      float @Nullable [] gamma,
      float @Nullable [] beta,
      float[] y,
      float @Nullable [] savedMean,
      float @Nullable [] savedInvstd) {
    Operands.requireF32("group normalisation", type, type);
    Native.check(
        ArrayCalls.hs_group_norm(
            0,
            desc,
            Operands.array(x, "x", size),
            Operands.optional(gamma, "gamma", channels),
            Operands.optional(beta, "beta", channels),
            Operands.array(y, "y", size),
            Operands.optional(savedMean, "savedMean", statistics),
            Operands.optional(savedInvstd, "savedInvstd", statistics)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(
      @Nullable Stream stream,
      long x,
      long gamma,
      long beta,
      long y,
      long savedMean,
      long savedInvstd) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_group_norm(handle, desc, x, gamma, beta, y, savedMean, savedInvstd));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * The gradients of run. dx may be dy; dGamma and dBeta: + accumulate * what they hold. Runs on
   * tensors of the stream's device.
   */
  public void gradient(
      Stream stream,
      Tensor dy,
      Tensor x,
      @Nullable Tensor gamma,
      Tensor savedMean,
      Tensor savedInvstd,
      Tensor dx,
      @Nullable Tensor dGamma,
      @Nullable Tensor dBeta,
      float accumulate) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_group_norm_backward(
              handle,
              desc,
              ACCESS.use(stream, dy, "dy", type, size),
              ACCESS.use(stream, x, "x", type, size),
              ACCESS.useOptional(stream, gamma, "gamma", DType.F32, channels),
              ACCESS.use(stream, savedMean, "savedMean", DType.F32, statistics),
              ACCESS.use(stream, savedInvstd, "savedInvstd", DType.F32, statistics),
              ACCESS.use(stream, dx, "dx", type, size),
              ACCESS.useOptional(stream, dGamma, "dGamma", DType.F32, channels),
              ACCESS.useOptional(stream, dBeta, "dBeta", DType.F32, channels),
              accumulate));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void gradient(
      Buffer dy,
      Buffer x,
      @Nullable Buffer gamma,
      Buffer savedMean,
      Buffer savedInvstd,
      Buffer dx,
      @Nullable Buffer dGamma,
      @Nullable Buffer dBeta,
      float accumulate) {
    Native.check(
        hs_group_norm_backward(
            0,
            desc,
            Operands.input(dy, "dy", type, size),
            Operands.input(x, "x", type, size),
            Operands.optionalInput(gamma, "gamma", DType.F32, channels),
            Operands.input(savedMean, "savedMean", DType.F32, statistics),
            Operands.input(savedInvstd, "savedInvstd", DType.F32, statistics),
            Operands.output(dx, "dx", type, size),
            Operands.optionalOutput(dGamma, "dGamma", DType.F32, channels),
            Operands.optionalOutput(dBeta, "dBeta", DType.F32, channels),
            accumulate));
    Operands.keepAlive(dy, x, gamma, savedMean, savedInvstd, dx);
    Operands.keepAlive(dGamma, dBeta, null, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void gradient(
      float[] dy,
      float[] x,
      float @Nullable [] gamma,
      float[] savedMean,
      float[] savedInvstd,
      float[] dx,
      float @Nullable [] dGamma,
      float @Nullable [] dBeta,
      float accumulate) {
    Operands.requireF32("group normalisation", type, type);
    Native.check(
        ArrayCalls.hs_group_norm_backward(
            0,
            desc,
            Operands.array(dy, "dy", size),
            Operands.array(x, "x", size),
            Operands.optional(gamma, "gamma", channels),
            Operands.array(savedMean, "savedMean", statistics),
            Operands.array(savedInvstd, "savedInvstd", statistics),
            Operands.array(dx, "dx", size),
            Operands.optional(dGamma, "dGamma", channels),
            Operands.optional(dBeta, "dBeta", channels),
            accumulate));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void gradient(
      @Nullable Stream stream,
      long dy,
      long x,
      long gamma,
      long savedMean,
      long savedInvstd,
      long dx,
      long dGamma,
      long dBeta,
      float accumulate) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_group_norm_backward(
              handle, desc, dy, x, gamma, savedMean, savedInvstd, dx, dGamma, dBeta, accumulate));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "group normalisation "
        + type
        + " ["
        + n
        + ", "
        + positions
        + ", "
        + channels
        + "] in "
        + groups
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
    public GroupNorm build() {
      return new GroupNorm(this);
    }
  }
}
