package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.bindings.hs_gather_desc;
import dev.halfstep.internal.Structs;

/**
 * Writes a batch of rows chosen by index: {@code dst[b] = src[order[(cursor + b) % orderSize]] *
 * scale + shift}, src {@code [srcRows, rowSize]}, dst {@code [batch, rowSize]}, scale and shift F32
 * {@code [channels]} by the element's index modulo channels.
 *
 * <p>Optional operands (null, or address 0): {@code order}, I32 {@code [orderSize]}, without it
 * rows are taken in order; {@code state}, which holds the cursor (0 without a state) and in which
 * an index out of range is reported; the row of such an index becomes zeros; {@code scale} and
 * {@code shift}, both or neither. Immutable and safe to use from many threads.
 */
public final class GatherKernel extends GatherKernelForms {
  private final Builder spec;

  private GatherKernel(Builder spec) {
    super(
        spec.descriptor(),
        spec.srcType,
        spec.dstType,
        Sizes.product("src", spec.srcRows, spec.rowSize),
        Sizes.product("dst", spec.batch, spec.rowSize),
        spec.orderSize,
        spec.channels);
    this.spec = spec;
  }

  /** Takes {@code batch} rows of F32 {@code [srcRows, rowSize]}. */
  public static Builder builder(long srcRows, long rowSize, long batch) {
    return new Builder(srcRows, rowSize, batch);
  }

  @Override
  public String toString() {
    return "gather "
        + spec.batch
        + " of "
        + spec.srcType
        + " ["
        + spec.srcRows
        + ", "
        + spec.rowSize
        + "] -> "
        + spec.dstType;
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final long srcRows;
    private final long rowSize;
    private final long batch;
    private DType srcType = DType.F32;
    private DType dstType = DType.F32;
    private long orderSize;
    private long channels = 1;

    private Builder(long srcRows, long rowSize, long batch) {
      if (srcRows < 1 || rowSize < 0 || batch < 0) {
        throw new IllegalArgumentException(
            "gather of "
                + batch
                + " rows of ["
                + srcRows
                + ", "
                + rowSize
                + "]: there must be a row to take and none may be negative");
      }
      this.srcRows = Sizes.positive("srcRows", srcRows);
      this.rowSize = Sizes.notNegative("rowSize", rowSize);
      this.batch = Sizes.notNegative("batch", batch);
      this.orderSize = srcRows;
    }

    private Builder copy() {
      try {
        return (Builder) clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    /** U8 or F32 to F32, BF16 or F16; I32 to I32. */
    public Builder types(DType src, DType dst) {
      Builder copy = copy();
      copy.srcType = src;
      copy.dstType = dst;
      return copy;
    }

    /** The number of indices in order; the cursor wraps there. Default srcRows. */
    public Builder orderSize(long size) {
      Builder copy = copy();
      copy.orderSize = Sizes.notNegative("orderSize", size);
      return copy;
    }

    /** The number of elements of scale and shift, a divisor of rowSize. Default 1. */
    public Builder channels(long count) {
      Builder copy = copy();
      copy.channels = Sizes.notNegative("channels", count);
      return copy;
    }

    /** The kernel. */
    public GatherKernel build() {
      return new GatherKernel(this);
    }

    private hs_gather_desc descriptor() {
      return new hs_gather_desc(Structs.memory(hs_gather_desc.class))
          .src_type(srcType.code())
          .dst_type(dstType.code())
          .src_rows(srcRows)
          .row_size(rowSize)
          .batch(batch)
          .order_size(orderSize)
          .channels(channels);
    }
  }
}
