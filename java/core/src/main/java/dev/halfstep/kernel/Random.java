package dev.halfstep.kernel;

import static dev.halfstep.bindings.Native.hs_random_normal;
import static dev.halfstep.bindings.Native.hs_random_uniform;

import dev.halfstep.DType;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Random numbers, F32, by Philox4x32-10 (Salmon et al., 2011): element i depends on the seed, the
 * sequence and i alone, not on the device, the number of elements or of threads.
 */
public final class Random {
  private static final Access ACCESS = Access.get();

  static {
    Native.load();
  }

  private Random() {}

  /** Normally distributed numbers, by Box and Muller's method. */
  public static void normal(
      Stream stream, Tensor dst, long seed, long sequence, float mean, float deviation) {
    long count = Operands.present(dst, "dst").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      long address = ACCESS.use(stream, dst, "dst", DType.F32, count);
      Native.check(hs_random_normal(handle, address, count, seed, sequence, mean, deviation));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * As above, on the CPU at once, from any thread, into a direct buffer of native byte order from
   * its position to its limit.
   */
  public static void normal(
      FloatBuffer dst, long seed, long sequence, float mean, float deviation) {
    long count = Operands.present(dst, "dst").remaining();
    long address = Operands.output(dst, "dst", DType.F32, count);
    Native.check(hs_random_normal(0, address, count, seed, sequence, mean, deviation));
    Operands.keepAlive(dst);
  }

  /** As above, on the CPU at once, from any thread, on arrays. The collector waits meanwhile. */
  public static void normal(float[] dst, long seed, long sequence, float mean, float deviation) {
    int count = Operands.present(dst, "dst").length;
    Native.check(ArrayCalls.hs_random_normal(0, dst, count, seed, sequence, mean, deviation));
  }

  /**
   * As above, of {@code count} elements at an unchecked address; null stream: on the CPU at once.
   */
  public static void normal(
      @Nullable Stream stream,
      long dst,
      long count,
      long seed,
      long sequence,
      float mean,
      float deviation) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_random_normal(handle, dst, count, seed, sequence, mean, deviation));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Numbers distributed evenly in {@code [low, high)}. */
  public static void uniform(
      Stream stream, Tensor dst, long seed, long sequence, float low, float high) {
    long count = Operands.present(dst, "dst").shape().elements();
    long handle = ACCESS.enter(stream);
    try {
      long address = ACCESS.use(stream, dst, "dst", DType.F32, count);
      Native.check(hs_random_uniform(handle, address, count, seed, sequence, low, high));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * As above, on the CPU at once, from any thread, into a direct buffer of native byte order from
   * its position to its limit.
   */
  public static void uniform(FloatBuffer dst, long seed, long sequence, float low, float high) {
    long count = Operands.present(dst, "dst").remaining();
    long address = Operands.output(dst, "dst", DType.F32, count);
    Native.check(hs_random_uniform(0, address, count, seed, sequence, low, high));
    Operands.keepAlive(dst);
  }

  /** As above, on the CPU at once, from any thread, on arrays. The collector waits meanwhile. */
  public static void uniform(float[] dst, long seed, long sequence, float low, float high) {
    int count = Operands.present(dst, "dst").length;
    Native.check(ArrayCalls.hs_random_uniform(0, dst, count, seed, sequence, low, high));
  }

  /**
   * As above, of {@code count} elements at an unchecked address; null stream: on the CPU at once.
   */
  public static void uniform(
      @Nullable Stream stream,
      long dst,
      long count,
      long seed,
      long sequence,
      float low,
      float high) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_random_uniform(handle, dst, count, seed, sequence, low, high));
    } finally {
      ACCESS.exit(stream);
    }
  }
}
