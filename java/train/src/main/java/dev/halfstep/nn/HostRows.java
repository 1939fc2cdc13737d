package dev.halfstep.nn;

import static dev.halfstep.bindings.Native.hs_download;
import static dev.halfstep.bindings.Native.hs_upload;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.bindings.ArrayTransfers;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.Native;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one input or output of a model in the caller's memory, an array or a direct buffer,
 * during one prediction. Rows are copied directly between that memory and the device, except for
 * rows in the middle of an array: native calls cannot address those, so they go through a staging
 * buffer. The object is used again for the next call.
 */
final class HostRows implements AutoCloseable {
  private static final Access ACCESS = Access.get();

  private final Device device;
  private final Stream stream;
  private final DType type;
  private final int elements; // of one row
  private @Nullable Object array; // float[] or int[]
  private long address; // of a direct buffer, if there is no array
  private @Nullable Staging staging;

  /** The staging buffer for rows in the middle of an array, with views that are made once. */
  private static final class Staging {
    final HostMemory memory;
    final FloatBuffer floats;
    final IntBuffer tokens;

    Staging(Device device, int bytes) {
      memory = new HostMemory(device, bytes);
      floats = memory.buffer().asFloatBuffer();
      tokens = memory.buffer().asIntBuffer();
    }
  }

  HostRows(Device device, Stream stream, DType type, int elements) {
    this.device = device;
    this.stream = stream;
    this.type = type;
    this.elements = elements;
  }

  /** Sets the memory of the next call to an array of the type, from index 0 on. */
  void use(Object ofArray) {
    array = ofArray;
  }

  /**
   * Sets the memory of the next call to a direct buffer at this address, which the caller keeps
   * reachable.
   */
  void use(long ofBuffer) {
    array = null;
    address = ofBuffer;
  }

  /** Forgets the caller's memory. */
  void clear() {
    array = null;
    address = 0;
  }

  private long bytes(long rows) {
    return rows * elements * type.bytes();
  }

  /** Copies {@code count} rows from {@code from} on to device memory. */
  void upload(long target, int from, int count) {
    Object all = array;
    if (all != null && from > 0) {
      Staging there = staging(count);
      if (all instanceof int[] tokens) {
        there.tokens.put(0, tokens, from * elements, count * elements);
      } else {
        there.floats.put(0, (float[]) all, from * elements, count * elements);
      }
      there.memory.upload(stream, target, 0, bytes(count));
      return;
    }
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          all == null
              ? hs_upload(handle, target, address + bytes(from), bytes(count))
              : all instanceof int[] tokens
                  ? ArrayTransfers.hs_upload(handle, target, tokens, bytes(count))
                  : ArrayTransfers.hs_upload(handle, target, (float[]) all, bytes(count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * Copies {@code count} rows from device memory to the caller's memory, from row {@code to} on.
   */
  void download(long source, int to, int count) {
    Object all = array;
    if (all != null && to > 0) {
      Staging there = staging(count);
      there.memory.download(stream, source, 0, bytes(count));
      there.floats.get(0, (float[]) all, to * elements, count * elements);
      return;
    }
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          all == null
              ? hs_download(handle, address + bytes(to), source, bytes(count))
              : ArrayTransfers.hs_download(handle, (float[]) all, source, bytes(count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  private Staging staging(int rows) {
    Staging there = staging;
    if (there == null || there.memory.buffer().capacity() < bytes(rows)) {
      close();
      there = new Staging(device, Math.toIntExact(bytes(rows)));
      staging = there;
    }
    return there;
  }

  /** Bytes of the staging buffer. */
  long stagingBytes() {
    Staging there = staging;
    return there == null ? 0 : there.memory.buffer().capacity();
  }

  @Override
  public void close() {
    if (staging != null) {
      staging.memory.close();
      staging = null;
    }
  }
}
