package dev.halfstep.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Memory of C structs. It belongs to a direct buffer, so that it is freed with the last pointer to
 * it and by nothing else: what JavaCPP allocates is freed by a caller's {@code PointerScope}, and
 * refused where the process, tensors included, uses more memory than JavaCPP thinks it should.
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
