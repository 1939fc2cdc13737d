package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_MAX;
import static dev.halfstep.bindings.Native.HS_MEAN;
import static dev.halfstep.bindings.Native.HS_SUM;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_reduce_desc;
import dev.halfstep.internal.Structs;

/**
 * Sum, mean or maximum over the middle dimension of x {@code [outer, extent, inner]}, into y {@code
 * [outer, inner]}, and the gradient. {@code index}, I32 {@code [outer, inner]}, is for a maximum
 * alone (null, or address 0, otherwise). Immutable and safe to use from many threads.
 */
public final class ReduceKernel extends ReduceKernelForms {
  private final String name;

  private ReduceKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.type,
        spec.outType,
        Sizes.product("x", spec.outer, spec.extent, spec.inner),
        Sizes.product("y", spec.outer, spec.inner));
    this.name = spec.name;
  }

  /** The sum over the middle of x F32 {@code [outer, extent, inner]}. */
  public static Builder sum(long outer, long extent, long inner) {
    return new Builder(HS_SUM, "sum", outer, extent, inner);
  }

  /** The mean over the middle of x F32 {@code [outer, extent, inner]}. */
  public static Builder mean(long outer, long extent, long inner) {
    return new Builder(HS_MEAN, "mean", outer, extent, inner);
  }

  /**
   * The maximum over the middle of x F32 {@code [outer, extent, inner]}; NaN where there is one.
   */
  public static Builder max(long outer, long extent, long inner) {
    return new Builder(HS_MAX, "max", outer, extent, inner);
  }

  @Override
  public String toString() {
    return name + " of " + inputs + " " + type + " to " + outputs + " " + outType;
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final int reduction;
    private final String name;
    private final long outer;
    private final long extent;
    private final long inner;
    private DType type = DType.F32;
    private DType outType = DType.F32;
    private float beta;

    private Builder(int reduction, String name, long outer, long extent, long inner) {
      this.reduction = reduction;
      this.name = name;
      this.outer = Sizes.notNegative("outer", outer);
      this.extent = Sizes.positive("extent", extent);
      this.inner = Sizes.notNegative("inner", inner);
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** The types of x and of y: F32, BF16 or F16 into F32 or themselves. */
    public Builder types(DType x, DType y) {
      Builder copy = copy();
      copy.type = x;
      copy.outType = y;
      return copy;
    }

    /** Adds {@code beta * y} to a sum or mean. Default 0: y is not read. */
    public Builder beta(float factor) {
      Builder copy = copy();
      copy.beta = factor;
      return copy;
    }

    /** The kernel. */
    public ReduceKernel build() {
      return new ReduceKernel(this);
    }

    private hs_reduce_desc descriptor() {
      return new hs_reduce_desc(Structs.memory(hs_reduce_desc.class))
          .reduction(reduction)
          .type(type.code())
          .out_type(outType.code())
          .outer(outer)
          .extent(extent)
          .inner(inner)
          .beta(beta);
    }
  }
}
