package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_copy_rows;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Rows copied between pitches: how tensors are split and concatenated along a dimension. Immutable
 * and safe to use from many threads.
 */
public final class CopyRows {
  private static final Access ACCESS = Access.get();

  private final DType type;
  private final long rows;
  private final long bytes;
  private final long srcPitch;
  private final long dstPitch;
  private final long srcCount;
  private final long dstCount;

  private CopyRows(DType type, long rows, long columns, long srcPitch, long dstPitch) {
    Native.load();
    this.type = type;
    this.rows = Sizes.notNegative("rows", rows);
    this.bytes = Sizes.notNegative("columns", columns) * type.bytes();
    this.srcPitch = Sizes.notNegative("srcPitch", srcPitch) * type.bytes();
    this.dstPitch = Sizes.notNegative("dstPitch", dstPitch) * type.bytes();
    if (rows > 1 && dstPitch < columns) {
      throw new IllegalArgumentException(
          "rows of " + columns + " elements overlap at a pitch of " + dstPitch);
    }
    this.srcCount = extent("src", rows, columns, srcPitch);
    this.dstCount = extent("dst", rows, columns, dstPitch);
  }

  /** Elements from the first to the last that the rows touch. */
  private static long extent(String name, long rows, long columns, long pitch) {
    if (rows == 0) {
      return 0;
    }
    return Sizes.notNegative("elements of " + name, Sizes.product(name, rows - 1, pitch) + columns);
  }

  /**
   * Of {@code rows} rows of {@code columns} elements.
   *
   * @param srcPitch elements from one row of src to the next; 0 repeats one row
   * @param dstPitch elements from one row of dst to the next, {@code columns} or more
   */
  public static CopyRows of(DType type, long rows, long columns, long srcPitch, long dstPitch) {
    return new CopyRows(type, rows, columns, srcPitch, dstPitch);
  }

  /** Copies; what lies between the rows of dst stays. Runs on tensors of the stream's device. */
  public void run(Stream stream, Tensor src, Tensor dst) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_copy_rows(
              handle,
              rows,
              bytes,
              ACCESS.useAtLeast(stream, src, "src", type, srcCount),
              srcPitch,
              ACCESS.useAtLeast(stream, dst, "dst", type, dstCount),
              dstPitch));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer src, Buffer dst) {
    Native.check(
        hs_copy_rows(
            0,
            rows,
            bytes,
            Operands.input(src, "src", type, srcCount),
            srcPitch,
            Operands.output(dst, "dst", type, dstCount),
            dstPitch));
    Operands.keepAlive(src, dst, null, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] src, float[] dst) {
    Operands.requireF32("copy of rows", type, type);
    Native.check(
        ArrayCalls.hs_copy_rows(
            0,
            rows,
            bytes,
            Operands.array(src, "src", srcCount),
            srcPitch,
            Operands.array(dst, "dst", dstCount),
            dstPitch));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long src, long dst) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_copy_rows(handle, rows, bytes, src, srcPitch, dst, dstPitch));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "copy of " + rows + " rows of " + bytes + " bytes";
  }
}
