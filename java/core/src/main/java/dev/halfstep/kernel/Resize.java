package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_resize;
import static dev.halfstep.bindings.Native.hs_resize_backward;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_resize_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Bilinear resizing of x {@code [n, h, w, c]} to y {@code [n, p, q, c]}, and its gradient. As
 * PyTorch's {@code interpolate} with align_corners false and no antialiasing: row i of y lies at
 * {@code max(0, (i + 1/2) h / p - 1/2)} between rows of x, columns likewise. Immutable and safe to
 * use from many threads.
 */
public final class Resize {
  private static final Access ACCESS = Access.get();

  private final hs_resize_desc desc;
  private final DType type;
  private final Shape x;
  private final Shape y;

  private Resize(DType type, Shape x, long rows, long columns) {
    this.type = type;
    this.x = Sizes.images("x", x);
    this.y =
        Shape.of(
            x.dim(0), Sizes.positive("rows", rows), Sizes.positive("columns", columns), x.dim(3));
    this.desc =
        new hs_resize_desc(Structs.memory(hs_resize_desc.class))
            .type(type.code())
            .n(x.dim(0))
            .h(x.dim(1))
            .w(x.dim(2))
            .c(x.dim(3))
            .p(rows)
            .q(columns);
  }

  /** Of x in F32, BF16 or F16, to images of {@code rows} x {@code columns}. */
  public static Resize of(DType type, Shape x, long rows, long columns) {
    return new Resize(type, x, rows, columns);
  }

  /** The shape of y, {@code [n, rows, columns, c]}. */
  public Shape outputShape() {
    return y;
  }

  /** y from x. Runs on tensors of the stream's device. */
  public void run(Stream stream, Tensor x, Tensor y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_resize(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, this.x.elements()),
              ACCESS.use(stream, y, "y", type, this.y.elements())));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer x, Buffer y) {
    Native.check(
        hs_resize(
            0,
            desc,
            Operands.input(x, "x", type, this.x.elements()),
            Operands.output(y, "y", type, this.y.elements())));
    Operands.keepAlive(x, y, null, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] x, float[] y) {
    Operands.requireF32("resizing", type, type);
    Native.check(
        ArrayCalls.hs_resize(
            0,
            desc,
            Operands.array(x, "x", this.x.elements()),
            Operands.array(y, "y", this.y.elements())));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long x, long y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_resize(handle, desc, x, y));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** dx from dy, written whole. Runs on tensors of the stream's device. */
  public void gradient(Stream stream, Tensor dy, Tensor dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_resize_backward(
              handle,
              desc,
              ACCESS.use(stream, dy, "dy", type, y.elements()),
              ACCESS.use(stream, dx, "dx", type, x.elements())));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void gradient(Buffer dy, Buffer dx) {
    Native.check(
        hs_resize_backward(
            0,
            desc,
            Operands.input(dy, "dy", type, y.elements()),
            Operands.output(dx, "dx", type, x.elements())));
    Operands.keepAlive(dy, dx, null, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void gradient(float[] dy, float[] dx) {
    Operands.requireF32("resizing", type, type);
    Native.check(
        ArrayCalls.hs_resize_backward(
            0,
            desc,
            Operands.array(dy, "dy", y.elements()),
            Operands.array(dx, "dx", x.elements())));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void gradient(@Nullable Stream stream, long dy, long dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_resize_backward(handle, desc, dy, dx));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "resizing " + type + " of " + x + " to " + y;
  }
}
