package dev.halfstep.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Allocates memory for C structs as direct buffers, which are freed when the last pointer to them
 * is gone. JavaCPP's own allocation does not fit: a caller's {@code PointerScope} would free it,
 * and JavaCPP refuses it when the process, with all its tensors, uses more memory than JavaCPP's
 * limit.
 */
public final class Structs {
  private Structs() {}

  /** Zeroed memory for a struct; {@code new hs_x(Structs.memory(hs_x.class))} keeps it. */
  public static BytePointer memory(Class<? extends Pointer> struct) {
    return new BytePointer(buffer(struct));
  }

  /** Zeroed memory for a struct, as a buffer of native order. */
  public static ByteBuffer buffer(Class<? extends Pointer> struct) {
    Native.load();
    return ByteBuffer.allocateDirect(Loader.sizeof(struct)).order(ByteOrder.nativeOrder());
  }
}
