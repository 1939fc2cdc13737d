package dev.halfstep.bindings;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.CriticalRegion;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Copies between arrays and a device's memory. The JVM pins the array during the call, nothing else
 * is copied, and the garbage collector waits.
 */
@CriticalRegion
@Properties(inherit = HalfstepPreset.class)
public final class ArrayTransfers {
  static {
    Loader.load(Native.class); // whose library it is, for every version of JavaCPP
  }

  private ArrayTransfers() {}

  /** As {@link Native#hs_upload}. */
  public static native int hs_upload(
      @Cast("hs_stream") long stream, long device, @Cast("hs_ptr") float[] host, long bytes);

  /** As {@link Native#hs_upload}. */
  public static native int hs_upload(
      @Cast("hs_stream") long stream, long device, @Cast("hs_ptr") int[] host, long bytes);

  /** As {@link Native#hs_upload}. */
  public static native int hs_upload(
      @Cast("hs_stream") long stream, long device, @Cast("hs_ptr") byte[] host, long bytes);

  /** As {@link Native#hs_download}. */
  public static native int hs_download(
      @Cast("hs_stream") long stream, @Cast("hs_ptr") float[] host, long device, long bytes);

  /** As {@link Native#hs_download}. */
  public static native int hs_download(
      @Cast("hs_stream") long stream, @Cast("hs_ptr") int[] host, long device, long bytes);

  /** As {@link Native#hs_download}. */
  public static native int hs_download(
      @Cast("hs_stream") long stream, @Cast("hs_ptr") byte[] host, long device, long bytes);
}
