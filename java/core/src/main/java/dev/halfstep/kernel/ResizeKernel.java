package dev.halfstep.kernel;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.bindings.hs_resize_desc;
import dev.halfstep.internal.Structs;

/**
 * Bilinear resizing of x {@code [n, h, w, c]} to y {@code [n, p, q, c]}, and its gradient. As
 * PyTorch's {@code interpolate} with align_corners false and no antialiasing: row i of y lies at
 * {@code max(0, (i + 1/2) h / p - 1/2)} between rows of x, columns likewise. Immutable and safe to
 * use from many threads.
 */
public final class ResizeKernel extends ResizeKernelForms {
  private final Shape x;
  private final Shape y;

  private ResizeKernel(DType type, Shape x, Shape y) {
    super(descriptor(type, x, y), type, x.elements(), y.elements());
    this.x = x;
    this.y = y;
  }

  private static hs_resize_desc descriptor(DType type, Shape x, Shape y) {
    return new hs_resize_desc(Structs.memory(hs_resize_desc.class))
        .type(type.code())
        .n(x.dim(0))
        .h(x.dim(1))
        .w(x.dim(2))
        .c(x.dim(3))
        .p(y.dim(1))
        .q(y.dim(2));
  }

  /** Of x in F32, BF16 or F16, to images of {@code rows} x {@code columns}. */
  public static ResizeKernel of(DType type, Shape x, long rows, long columns) {
    Sizes.images("x", x);
    Sizes.positive("rows", rows);
    Sizes.positive("columns", columns);
    return new ResizeKernel(type, x, Shape.of(x.dim(0), rows, columns, x.dim(3)));
  }

  /** The shape of y, {@code [n, rows, columns, c]}. */
  public Shape outputShape() {
    return y;
  }

  @Override
  public String toString() {
    return "resizing " + type + " of " + x + " to " + y;
  }
}
