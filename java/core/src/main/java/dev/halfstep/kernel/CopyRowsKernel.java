package dev.halfstep.kernel;

import dev.halfstep.DType;

/**
 * Copies rows from an array with one pitch into an array with another, for instance to split or
 * concatenate tensors along a dimension. Immutable and safe to use from many threads.
 */
public final class CopyRowsKernel extends CopyRowsKernelForms {
  private CopyRowsKernel(DType type, long rows, long columns, long srcPitch, long dstPitch) {
    super(
        type,
        Sizes.notNegative("rows", rows),
        Sizes.notNegative("columns", columns) * type.bytes(),
        Sizes.notNegative("srcPitch", srcPitch) * type.bytes(),
        Sizes.notNegative("dstPitch", dstPitch) * type.bytes(),
        extent("src", rows, columns, srcPitch),
        extent("dst", rows, columns, dstPitch));
    if (rows > 1 && dstPitch < columns) {
      throw new IllegalArgumentException(
          "rows of " + columns + " elements overlap at a pitch of " + dstPitch);
    }
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
  public static CopyRowsKernel of(
      DType type, long rows, long columns, long srcPitch, long dstPitch) {
    return new CopyRowsKernel(type, rows, columns, srcPitch, dstPitch);
  }

  @Override
  public String toString() {
    return "copy of " + rows + " rows of " + rowBytes + " bytes";
  }
}
