package dev.halfstep.internal;

import dev.halfstep.bindings.hs_segment;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Loader;

/** A writer of {@code hs_segment}: entry {@code index} of a host buffer of native order. */
public final class Segment {
  /** Bytes of an entry. */
  public static final int BYTES = size();

  private static final int OFFSET = Loader.offsetof(hs_segment.class, "offset");
  private static final int COUNT = Loader.offsetof(hs_segment.class, "count");
  private static final int WEIGHT_DECAY = Loader.offsetof(hs_segment.class, "weight_decay");
  private static final int RATE = Loader.offsetof(hs_segment.class, "rate");
  private static final int FLAGS = Loader.offsetof(hs_segment.class, "flags");

  private Segment() {}

  private static int size() {
    Native.load();
    return Loader.sizeof(hs_segment.class);
  }

  /**
   * Sets an entry; offset and count in elements, a factor of the learning rate, HS_SEGMENT_ flags.
   */
  public static void put(
      ByteBuffer table,
      int index,
      long offset,
      long count,
      float rate,
      float weightDecay,
      int flags) {
    table.putLong(index * BYTES + OFFSET, offset);
    table.putLong(index * BYTES + COUNT, count);
    table.putFloat(index * BYTES + RATE, rate);
    table.putFloat(index * BYTES + WEIGHT_DECAY, weightDecay);
    table.putInt(index * BYTES + FLAGS, flags);
  }
}
