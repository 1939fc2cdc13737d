package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.HS_MAX;
import static dev.halfstep.bindings.Native.HS_MEAN;
import static dev.halfstep.bindings.Native.HS_SUM;
import static dev.halfstep.bindings.Native.hs_reduce;
import static dev.halfstep.bindings.Native.hs_reduce_backward;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_reduce_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Sum, mean or maximum over the middle of x {@code [outer, extent, inner]}, to y {@code [outer,
 * inner]}, and the gradient. {@code index}, I32 {@code [outer, inner]}, is for a maximum alone
 * (null, or address 0, otherwise). Immutable and safe to use from many threads.
 */
public final class Reduce {
  private static final Access ACCESS = Access.get();

  private final hs_reduce_desc desc;
  private final String name;
  private final DType type;
  private final DType outType;
  private final long inputs;
  private final long outputs;

  private Reduce(Builder spec) {
    this.name = spec.name;
    this.type = spec.type;
    this.outType = spec.outType;
    this.outputs = Sizes.product("y", spec.outer, spec.inner);
    this.inputs = Sizes.product("x", spec.outer, spec.extent, spec.inner);
    this.desc =
        new hs_reduce_desc(Structs.memory(hs_reduce_desc.class))
            .reduction(spec.reduction)
            .type(spec.type.code())
            .out_type(spec.outType.code())
            .outer(spec.outer)
            .extent(spec.extent)
            .inner(spec.inner)
            .beta(spec.beta);
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

  /**
   * Reduces; a maximum leaves the place of the first one in {@code index}. Runs on tensors of the
   * stream's device.
   */
  public void run(Stream stream, Tensor x, Tensor y, @Nullable Tensor index) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_reduce(
              handle,
              desc,
              ACCESS.use(stream, x, "x", type, inputs),
              ACCESS.use(stream, y, "y", outType, outputs),
              ACCESS.useOptional(stream, index, "index", DType.I32, outputs)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer x, Buffer y, @Nullable Buffer index) {
    Native.check(
        hs_reduce(
            0,
            desc,
            Operands.input(x, "x", type, inputs),
            Operands.output(y, "y", outType, outputs),
            Operands.optionalOutput(index, "index", DType.I32, outputs)));
    Operands.keepAlive(x, y, index, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] x, float[] y, int @Nullable [] index) {
    Operands.requireF32("reduction", type, outType);
    Native.check(
        ArrayCalls.hs_reduce(
            0,
            desc,
            Operands.array(x, "x", inputs),
            Operands.array(y, "y", outputs),
            Operands.optional(index, "index", outputs)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long x, long y, long index) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_reduce(handle, desc, x, y, index));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * The gradient of run, beta aside, written whole; a maximum needs the index. Runs on tensors of
   * the stream's device.
   */
  public void gradient(Stream stream, Tensor dy, @Nullable Tensor index, Tensor dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_reduce_backward(
              handle,
              desc,
              ACCESS.use(stream, dy, "dy", outType, outputs),
              ACCESS.useOptional(stream, index, "index", DType.I32, outputs),
              ACCESS.use(stream, dx, "dx", type, inputs)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void gradient(Buffer dy, @Nullable Buffer index, Buffer dx) {
    Native.check(
        hs_reduce_backward(
            0,
            desc,
            Operands.input(dy, "dy", outType, outputs),
            Operands.optionalInput(index, "index", DType.I32, outputs),
            Operands.output(dx, "dx", type, inputs)));
    Operands.keepAlive(dy, index, dx, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void gradient(float[] dy, int @Nullable [] index, float[] dx) {
    Operands.requireF32("reduction", type, outType);
    Native.check(
        ArrayCalls.hs_reduce_backward(
            0,
            desc,
            Operands.array(dy, "dy", outputs),
            Operands.optional(index, "index", outputs),
            Operands.array(dx, "dx", inputs)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void gradient(@Nullable Stream stream, long dy, long index, long dx) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_reduce_backward(handle, desc, dy, index, dx));
    } finally {
      ACCESS.exit(stream);
    }
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

    /** {@code + beta * y}, for sum and mean; 0, as without it: y is not read. */
    public Builder beta(float factor) {
      Builder copy = copy();
      copy.beta = factor;
      return copy;
    }

    /** The kernel. */
    public Reduce build() {
      return new Reduce(this);
    }
  }
}
