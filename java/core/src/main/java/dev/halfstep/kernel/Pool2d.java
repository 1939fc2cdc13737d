package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_AVERAGE_POOL;
import static dev.halfstep.bindings.Native.HS_AVERAGE_POOL_PADDED;
import static dev.halfstep.bindings.Native.HS_MAX_POOL;
import static dev.halfstep.bindings.Native.hs_pool2d;
import static dev.halfstep.bindings.Native.hs_pool2d_backward;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_pool2d_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Maxima or averages of windows {@code [r, s]} over x {@code [n, h, w, c]}: y {@code [n, p, q, c]}
 * with {@code p = (h + 2 padding - r) / stride + 1} rounded down, q likewise; and their gradient.
 * An average divides by the window's pixels inside x, or by all of them. {@code index}, U8 laid out
 * as y, holds the place of the (first) maximum, {@code row * s + column} in the window; a NaN
 * counts as larger than any number. Immutable and safe to use from many threads.
 */
public final class Pool2d {
  private static final Access ACCESS = Access.get();

  private final hs_pool2d_desc desc;
  private final DType type;
  private final Shape x;
  private final Shape y;

  private Pool2d(Builder spec) {
    this.type = spec.type;
    this.x = spec.x;
    this.y = spec.outputShape();
    this.desc =
        new hs_pool2d_desc(Structs.memory(hs_pool2d_desc.class))
            .pool(spec.pool)
            .type(spec.type.code())
            .n(x.dim(0))
            .h(x.dim(1))
            .w(x.dim(2))
            .c(x.dim(3))
            .r(spec.rows)
            .s(spec.columns)
            .stride_h(spec.strideRows)
            .stride_w(spec.strideColumns)
            .pad_h(spec.paddingRows)
            .pad_w(spec.paddingColumns);
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

  /**
   * y from x. index is optional (null, or address 0), and only for maxima, whose gradient needs it.
   * Runs on tensors of the stream's device.
   */
  public void run(Stream stream, Tensor x, Tensor y, @Nullable Tensor index) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_pool2d(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, this.x.elements()),
              ACCESS.use(stream, y, "y", type, this.y.elements()),
              ACCESS.useOptional(stream, index, "index", DType.U8, this.y.elements())));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer x, Buffer y, @Nullable Buffer index) {
    Native.check(
        hs_pool2d(
            0,
            desc,
            Operands.input(x, "x", type, this.x.elements()),
            Operands.output(y, "y", type, this.y.elements()),
            Operands.optionalOutput(index, "index", DType.U8, this.y.elements())));
    Operands.keepAlive(x, y, index, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] x, float[] y, byte @Nullable [] index) {
    Operands.requireF32("pooling", type, type);
    Native.check(
        ArrayCalls.hs_pool2d(
            0,
            desc,
            Operands.array(x, "x", this.x.elements()),
            Operands.array(y, "y", this.y.elements()),
            Operands.optional(index, "index", this.y.elements())));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long x, long y, long index) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_pool2d(handle, desc, x, y, index));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * dx from dy, written whole. index is what {@code run} left for maxima; null, or address 0, for
   * averages. Runs on tensors of the stream's device.
   */
  public void gradient(Stream stream, Tensor dy, @Nullable Tensor index, Tensor dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_pool2d_backward(
              handle,
              desc,
              ACCESS.use(stream, dy, "dy", type, y.elements()),
              ACCESS.useOptional(stream, index, "index", DType.U8, y.elements()),
              ACCESS.use(stream, dx, "dx", type, x.elements())));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void gradient(Buffer dy, @Nullable Buffer index, Buffer dx) {
    Native.check(
        hs_pool2d_backward(
            0,
            desc,
            Operands.input(dy, "dy", type, y.elements()),
            Operands.optionalInput(index, "index", DType.U8, y.elements()),
            Operands.output(dx, "dx", type, x.elements())));
    Operands.keepAlive(dy, index, dx, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void gradient(float[] dy, byte @Nullable [] index, float[] dx) {
    Operands.requireF32("pooling", type, type);
    Native.check(
        ArrayCalls.hs_pool2d_backward(
            0,
            desc,
            Operands.array(dy, "dy", y.elements()),
            Operands.optional(index, "index", y.elements()),
            Operands.array(dx, "dx", x.elements())));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void gradient(@Nullable Stream stream, long dy, long index, long dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_pool2d_backward(handle, desc, dy, index, dx));
    } finally {
      ACCESS.exit(stream);
    }
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
    public Pool2d build() {
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
      return new Pool2d(this);
    }

    private Shape outputShape() {
      return Shape.of(
          x.dim(0),
          Sizes.places(x.dim(1), rows, strideRows, paddingRows, 1),
          Sizes.places(x.dim(2), columns, strideColumns, paddingColumns, 1),
          x.dim(3));
    }
  }
}
