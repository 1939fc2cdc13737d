package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_AVERAGE_POOL;
import static dev.halfstep.bindings.Native.HS_AVERAGE_POOL_PADDED;
import static dev.halfstep.bindings.Native.HS_MAX_POOL;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.bindings.hs_pool2d_desc;
import dev.halfstep.internal.Structs;

/**
 * Maxima or averages of windows {@code [r, s]} over x {@code [n, h, w, c]}: y {@code [n, p, q, c]}
 * with {@code p = (h + 2 padding - r) / stride + 1} rounded down, q likewise; and their gradient.
 * An average divides by the window's pixels inside x, or by all of them. {@code index}, U8 laid out
 * as y, holds the place of the (first) maximum, {@code row * s + column} in the window; a NaN
 * counts as larger than any number. Immutable and safe to use from many threads.
 */
public final class Pool2dKernel extends Pool2dKernelForms {
  private final Shape x;
  private final Shape y;

  private Pool2dKernel(Builder spec) {
    super(spec.descriptor(), spec.type, spec.x.elements(), spec.outputShape().elements());
    this.x = spec.x;
    this.y = spec.outputShape();
  }

  /** Maxima of F32 x, windows side by side, no padding. */
  public static Builder max(Shape x, int rows, int columns) {
    return new Builder(HS_MAX_POOL, x, rows, columns);
  }

  /** Averages of F32 x, windows side by side, no padding; padding counts for nothing. */
  public static Builder average(Shape x, int rows, int columns) {
    return new Builder(HS_AVERAGE_POOL, x, rows, columns);
  }

  /** Averages of F32 x, windows side by side, no padding; padding counts as zeros. */
  public static Builder paddedAverage(Shape x, int rows, int columns) {
    return new Builder(HS_AVERAGE_POOL_PADDED, x, rows, columns);
  }

  /** The shape of y, {@code [n, p, q, c]}. */
  public Shape outputShape() {
    return y;
  }

  @Override
  public String toString() {
    return "pooling " + type + " of " + x + " to " + y;
  }

  /** An immutable description; each method returns a changed copy. */
  public static final class Builder implements Cloneable {
    private final int pool;
    private final Shape x;
    private final int rows;
    private final int columns;
    private DType type = DType.F32;
    private int strideRows;
    private int strideColumns;
    private int paddingRows;
    private int paddingColumns;

    private Builder(int pool, Shape x, int rows, int columns) {
      this.pool = pool;
      this.x = Sizes.images("x", x);
      this.rows = Math.toIntExact(Sizes.positive("window rows", rows));
      this.columns = Math.toIntExact(Sizes.positive("window columns", columns));
      this.strideRows = rows;
      this.strideColumns = columns;
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

    /** Pixels of x from one window to the next; the window's own size without it. */
    public Builder stride(int ofRows, int ofColumns) {
      Builder copy = copy();
      copy.strideRows = ofRows;
      copy.strideColumns = ofColumns;
      return copy;
    }

    /** Pixels on each side of x that are padding; less than the window. */
    public Builder padding(int ofRows, int ofColumns) {
      Builder copy = copy();
      copy.paddingRows = ofRows;
      copy.paddingColumns = ofColumns;
      return copy;
    }

    /**
     * The kernel.
     *
     * @throws IllegalArgumentException if the window does not fit into x, or the padding is not
     *     less than the window
     */
    public Pool2dKernel build() {
      if (paddingRows >= rows || paddingColumns >= columns) {
        throw new IllegalArgumentException(
            "padding "
                + paddingRows
                + ", "
                + paddingColumns
                + " must be less than the window of "
                + rows
                + " x "
                + columns);
      }
      return new Pool2dKernel(this);
    }

    private Shape outputShape() {
      return Shape.of(
          x.dim(0),
          Sizes.places(x.dim(1), rows, strideRows, paddingRows, 1),
          Sizes.places(x.dim(2), columns, strideColumns, paddingColumns, 1),
          x.dim(3));
    }

    private hs_pool2d_desc descriptor() {
      return new hs_pool2d_desc(Structs.memory(hs_pool2d_desc.class))
          .pool(pool)
          .type(type.code())
          .n(x.dim(0))
          .h(x.dim(1))
          .w(x.dim(2))
          .c(x.dim(3))
          .r(rows)
          .s(columns)
          .stride_h(strideRows)
          .stride_w(strideColumns)
          .pad_h(paddingRows)
          .pad_w(paddingColumns);
    }
  }
}
