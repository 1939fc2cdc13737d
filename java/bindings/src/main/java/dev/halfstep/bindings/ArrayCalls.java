package dev.halfstep.bindings;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.CriticalRegion;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Functions of the C ABI that take {@code float[]} where C takes an {@code hs_ptr}: the JVM pins the
 * array during the call, nothing is copied, and the garbage collector waits. Only for short calls
 * that are finished when they return.
 *
 * <p>Written by hand. A line is the C function's name with, in place of each address, an array of
 * its element type cast to {@code hs_ptr}. The preset puts it into the same JNI library as {@link
 * Native}.
 */
@Properties(inherit = HalfstepPreset.class)
public final class ArrayCalls {
  static {
    Loader.load();
  }

  private ArrayCalls() {}
}
