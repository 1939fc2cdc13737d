package dev.halfstep.kernel;

import static dev.halfstep.bindings.ArrayCalls.hs_cast;

import dev.halfstep.DType;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;

/**
 * Converts elements to another type, rounding to nearest, ties to even: F32, BF16 and F16 to each
 * other, and U8 and I32 to those. Immutable and safe to use from many threads.
 */
public final class CastKernel extends CastKernelForms {
  private CastKernel(DType srcType, DType dstType, long count) {
    super(srcType, dstType, Sizes.notNegative("count", count));
  }

  /** From F32, BF16, F16, U8 or I32 to F32, BF16 or F16, of {@code count} elements. */
  public static CastKernel of(DType srcType, DType dstType, long count) {
    return new CastKernel(srcType, dstType, count);
  }

  /**
   * As above, on the CPU at once, from any thread, on arrays: from F32 to BF16 or F16, whose bits
   * fill {@code dst}.
   *
   * @throws IllegalArgumentException if an array is too short, or the kernel was built for other
   *     types
   */
  public void run(float[] src, short[] dst) {
    requireArrays(srcType, dstType);
    Operands.array(src, "src", count);
    Operands.array(dst, "dst", count);
    Native.check(hs_cast(0, srcType.code(), src, dstType.code(), dst, count));
  }

  /**
   * As above, on the CPU at once, from any thread, on arrays: from BF16 or F16, given as bits, to
   * F32.
   *
   * @throws IllegalArgumentException if an array is too short, or the kernel was built for other
   *     types
   */
  public void run(short[] src, float[] dst) {
    requireArrays(dstType, srcType);
    Operands.array(src, "src", count);
    Operands.array(dst, "dst", count);
    Native.check(hs_cast(0, srcType.code(), src, dstType.code(), dst, count));
  }

  private void requireArrays(DType ofFloats, DType ofShorts) {
    if (ofFloats != DType.F32 || (ofShorts != DType.BF16 && ofShorts != DType.F16)) {
      throw new IllegalArgumentException(
          this
              + " is not what float[] and short[] hold, F32 and the bits of BF16 or F16: pass"
              + " direct buffers or tensors");
    }
  }

  @Override
  public String toString() {
    return "cast of " + count + " " + srcType + " to " + dstType;
  }
}
