package dev.halfstep.bindings;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.CriticalRegion;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Functions of the C ABI that take {@code float[]} where C takes an {@code hs_ptr}: the JVM pins the
 * arrays during the call, nothing is copied, and the garbage collector waits. Only for short calls
 * that are finished when they return: on the CPU, with the null stream (0).
 *
 * <p>Written by hand: each method repeats one of {@link Native} with an array of the element type in
 * place of an address, cast to {@code hs_ptr}; {@code null} becomes address 0. Arrays come after
 * descriptors, since nothing else may be asked of the JVM once the first array is pinned.
 */
@CriticalRegion
@Properties(inherit = HalfstepPreset.class)
public final class ArrayCalls {
  static {
    Loader.load();
  }

  private ArrayCalls() {}

  /** {@code dst[0 ... bytes) = src[0 ... bytes)}. */
  public static native int hs_copy(
      @Cast("hs_stream") long stream,
      @Cast("hs_ptr") float[] dst,
      @Cast("hs_ptr") float[] src,
      long bytes);

  /** As {@link Native#hs_matmul}. */
  public static native int hs_matmul(
      @Cast("hs_stream") long stream,
      @Const hs_matmul_desc desc,
      @Cast("hs_ptr") float[] a,
      @Cast("hs_ptr") float[] b,
      @Cast("hs_ptr") float[] c,
      @Cast("hs_ptr") float[] bias,
      @Cast("hs_ptr") float[] aux,
      @Cast("hs_ptr") float[] biasGrad);
}
