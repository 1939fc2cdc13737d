package dev.halfstep.bindings;

import java.nio.Buffer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Properties;

/** Addresses of Java's own memory, without an object made on the way. */
@Properties(inherit = HalfstepPreset.class)
public final class Addresses {
  static {
    Loader.load(Native.class); // whose library it is, for every version of JavaCPP
  }

  private Addresses() {}

  /** Where a direct buffer's element 0 lies, whatever its position; only for direct buffers. */
  public static long of(Buffer buffer) {
    return atPosition(buffer) - buffer.position();
  }

  /** JavaCPP adds the position to what it takes for an address of bytes. */
  @Name("(hs_ptr)")
  private static native @Cast("hs_ptr") long atPosition(Buffer buffer);
}
