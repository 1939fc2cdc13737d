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
    Loader.load();
  }

  private Addresses() {}

  /** Where a direct buffer's element 0 lies, whatever its position; only for direct buffers. */
  @Name("(hs_ptr)")
  public static native @Cast("hs_ptr") long of(Buffer buffer);
}
