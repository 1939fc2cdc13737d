package dev.halfstep.bindings;

import java.nio.Buffer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Properties;

/** Gives the addresses of direct buffers without allocating an object. */
@Properties(inherit = HalfstepPreset.class)
public final class Addresses {
  static {
    Loader.load(Native.class); // whose library it is, for every version of JavaCPP
  }

  private Addresses() {}

  /**
   * The address of a direct buffer's element 0, whatever its position. The buffer must be direct.
   */
  public static long of(Buffer buffer) {
    return atPosition(buffer) - buffer.position();
  }

  /**
   * The address that JavaCPP passes for a buffer: that of element 0 plus the position, as if
   * elements were bytes.
   */
  @Name("(hs_ptr)")
  private static native @Cast("hs_ptr") long atPosition(Buffer buffer);
}
