package dev.halfstep.kernel;

import dev.halfstep.DType;

/**
 * Copies the rows of a table {@code [vocabulary, width]} that tokens I32 {@code [count]} name to y
 * {@code [count, width]}, and computes the gradient of the table, which is F32. {@code state} is
 * optional. Immutable and safe to use from many threads.
 */
public final class EmbeddingKernel extends EmbeddingKernelForms {
  private EmbeddingKernel(DType type, long vocabulary, long width, long count) {
    super(
        type,
        Sizes.positive("vocabulary", vocabulary),
        Sizes.positive("width", width),
        Sizes.notNegative("count", count),
        Sizes.product("table", vocabulary, width),
        Sizes.product("y", count, width),
        vocabulary + 1 + count);
  }

  /** Of {@code count} tokens and a table {@code [vocabulary, width]}: F32, BF16 or F16. */
  public static EmbeddingKernel of(DType type, long vocabulary, long width, long count) {
    return new EmbeddingKernel(type, vocabulary, width, count);
  }

  /** The elements, I32, of the gradient's workspace. */
  public long workspaceSize() {
    return workspaceSize;
  }

  @Override
  public String toString() {
    return "embedding " + type + " [" + vocabulary + ", " + width + "] of " + count + " tokens";
  }
}
