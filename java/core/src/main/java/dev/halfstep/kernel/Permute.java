package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_permute;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * A tensor with its dimensions in another order: a transposition and all its relatives. Immutable
 * and safe to use from many threads.
 */
public final class Permute {
  private static final Access ACCESS = Access.get();

  private final DType type;
  private final long count;
  private final long[] extents;
  private final int[] permutation;

  private Permute(DType type, Shape shape, int[] permutation) {
    Native.load();
    this.type = type;
    this.count = shape.elements();
    this.extents = new long[shape.rank()];
    for (int i = 0; i < extents.length; i++) {
      extents[i] = shape.dim(i);
    }
    this.permutation = permutation.clone();
    if (permutation.length != extents.length || extents.length < 1 || extents.length > 6) {
      throw new IllegalArgumentException(
          permutation.length
              + " dimensions cannot permute "
              + shape
              + ": it must have as many, from 1 to 6");
    }
    boolean[] seen = new boolean[extents.length];
    for (int dimension : permutation) {
      if (dimension < 0 || dimension >= seen.length || seen[dimension]) {
        throw new IllegalArgumentException(
            "dimension " + dimension + " is outside [0, " + seen.length + ") or there twice");
      }
      seen[dimension] = true;
    }
  }

  /** Of x of this shape: dimension i of y is dimension {@code permutation[i]} of x. Any type. */
  public static Permute of(DType type, Shape shape, int... permutation) {
    return new Permute(type, shape, permutation);
  }

  /** Writes y. Runs on tensors of the stream's device. */
  public void run(Stream stream, Tensor x, Tensor y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          hs_permute(
              handle,
              type.code(),
              extents.length,
              extents,
              permutation,
              ACCESS.use(stream, x, "x", type, count),
              ACCESS.use(stream, y, "y", type, count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** As above, on the CPU at once, from any thread, on direct buffers from their positions on. */
  public void run(Buffer x, Buffer y) {
    Native.check(
        hs_permute(
            0,
            type.code(),
            extents.length,
            extents,
            permutation,
            Operands.input(x, "x", type, count),
            Operands.output(y, "y", type, count)));
    Operands.keepAlive(x, y, null, null, null, null);
  }

  /** As above, on arrays; F32 only. The collector waits meanwhile. */
  public void run(float[] x, float[] y) {
    Operands.requireF32("permutation", type, type);
    Native.check(
        ArrayCalls.hs_permute(
            0,
            type.code(),
            extents.length,
            extents,
            permutation,
            Operands.array(x, "x", count),
            Operands.array(y, "y", count)));
  }

  /**
   * As above, on addresses, unchecked: a wrong one ends the process.
   *
   * @param stream the stream; null: on the CPU at once, from any thread
   */
  public void run(@Nullable Stream stream, long x, long y) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_permute(handle, type.code(), extents.length, extents, permutation, x, y));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public String toString() {
    return "permutation " + type + " [" + count + "]";
  }
}
