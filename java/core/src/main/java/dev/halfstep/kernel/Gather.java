package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_gather;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.bindings.hs_gather_desc;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * A batch by its index: {@code dst[b] = src[order[(cursor + b) % orderSize]] * scale + shift}, src
 * {@code [srcRows, rowSize]}, dst {@code [batch, rowSize]}, scale and shift F32 {@code [channels]}
 * by the element's index modulo channels.
 *
 * <p>Optional operands (null, or address 0): {@code order}, I32 {@code [orderSize]}, rows in place
 * without it; {@code state}, which gives the cursor, 0 without it, and takes the report of an index
 * out of range, whose row becomes zeros; {@code scale} and {@code shift}, both or neither.
 * Immutable and safe to use from many threads.
 */
public final class Gather {
  private static final Access ACCESS = Access.get();

  private final hs_gather_desc desc;
  private final Builder spec;
  private final long sizeSrc;
  private final long sizeDst;

  private Gather(Builder spec) {
    this.spec = spec;
    this.sizeSrc = Sizes.product("src", spec.srcRows, spec.rowSize);
    this.sizeDst = Sizes.product("dst", spec.batch, spec.rowSize);
    this.desc =
        new hs_gather_desc(Structs.memory(hs_gather_desc.class))
            .src_type(spec.srcType.code())
            .dst_type(spec.dstType.code())
            .src_rows(spec.srcRows)
            .row_size(spec.rowSize)
            .batch(spec.batch)
            .order_size(spec.orderSize)
            .channels(spec.channels);
  }

  /** Takes {@code batch} rows of F32 {@code [srcRows, rowSize]}. */
  public static Builder builder(long srcRows, long rowSize, long batch) {
    return new Builder(srcRows, rowSize, batch);
  }

  /**
   * Runs on tensors of the stream's device; state is a tensor from {@link StepKernels#newState}.
   */
  public void run(
      Stream stream,
      Tensor src,
      @Nullable Tensor order,
      @Nullable Tensor state,
      @Nullable Tensor scale,
      @Nullable Tensor shift,
      Tensor dst) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_gather(
              handle,
              desc,
              ACCESS.use(stream, src, "src", spec.srcType, sizeSrc),
              ACCESS.useOptional(stream, order, "order", DType.I32, spec.orderSize),
              ACCESS.useOptional(stream, state, "state", DType.U8, HostStepState.BYTES),
              ACCESS.useOptional(stream, scale, "scale", DType.F32, spec.channels),
              ACCESS.useOptional(stream, shift, "shift", DType.F32, spec.channels),
              ACCESS.use(stream, dst, "dst", spec.dstType, sizeDst)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Runs on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(
      Buffer src,
      @Nullable Buffer order,
      @Nullable HostStepState state,
      @Nullable Buffer scale,
      @Nullable Buffer shift,
      Buffer dst) {
    Native.check(
        hs_gather(
            0,
            desc,
            Operands.input(src, "src", spec.srcType, sizeSrc),
            Operands.optionalInput(order, "order", DType.I32, spec.orderSize),
            HostStepState.addressOf(state),
            Operands.optionalInput(scale, "scale", DType.F32, spec.channels),
            Operands.optionalInput(shift, "shift", DType.F32, spec.channels),
            Operands.output(dst, "dst", spec.dstType, sizeDst)));
    Operands.keepAlive(src, order, state, scale, shift, dst);
  }

  /** Runs on the CPU at once on rows of F32. The collector waits meanwhile. */
  public void run(
      float[] src,
      int @Nullable [] order,
      @Nullable HostStepState state,
      float @Nullable [] scale,
      float @Nullable [] shift,
      float[] dst) {
    Operands.requireF32("gather", spec.srcType, spec.dstType);
    Native.check(
        ArrayCalls.hs_gather(
            0,
            desc,
            Operands.array(src, "src", sizeSrc),
            Operands.optional(order, "order", spec.orderSize),
            HostStepState.addressOf(state),
            Operands.optional(scale, "scale", spec.channels),
            Operands.optional(shift, "shift", spec.channels),
            Operands.array(dst, "dst", sizeDst)));
    Operands.keepAlive(state, null, null, null, null, null);
  }

  /** Runs on the CPU at once on rows of bytes, 0 ... 255. The collector waits meanwhile. */
  public void run(
      byte[] src,
      int @Nullable [] order,
      @Nullable HostStepState state,
      float @Nullable [] scale,
      float @Nullable [] shift,
      float[] dst) {
    if (spec.srcType != DType.U8 || spec.dstType != DType.F32) {
      throw new IllegalArgumentException(
          "gather was built from "
              + spec.srcType
              + " to "
              + spec.dstType
              + ", not from U8 to F32: pass direct buffers or tensors, or set its types");
    }
    Native.check(
        ArrayCalls.hs_gather(
            0,
            desc,
            Operands.array(src, "src", sizeSrc),
            Operands.optional(order, "order", spec.orderSize),
            HostStepState.addressOf(state),
            Operands.optional(scale, "scale", spec.channels),
            Operands.optional(shift, "shift", spec.channels),
            Operands.array(dst, "dst", sizeDst)));
    Operands.keepAlive(state, null, null, null, null, null);
  }

  /**
   * Runs on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(
      @Nullable Stream stream, long src, long order, long state, long scale, long shift, long dst) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_gather(handle, desc, src, order, state, scale, shift, dst));
    } finally {
      ACCESS.exit(stream);
    }
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

    /** The number of indices in order, at whose end the cursor wraps; srcRows without it. */
    public Builder orderSize(long size) {
      Builder copy = copy();
      copy.orderSize = Sizes.notNegative("orderSize", size);
      return copy;
    }

    /** Elements of scale and shift, which divide rowSize; 1 without it. */
    public Builder channels(long count) {
      Builder copy = copy();
      copy.channels = Sizes.notNegative("channels", count);
      return copy;
    }

    /** The kernel. */
    public Gather build() {
      return new Gather(this);
    }
  }
}
