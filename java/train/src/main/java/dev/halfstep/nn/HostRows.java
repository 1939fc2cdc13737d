package dev.halfstep.nn;

import static dev.halfstep.bindings.Native.hs_download;
import static dev.halfstep.bindings.Native.hs_upload;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.bindings.ArrayCalls;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.HostMemory;
import dev.halfstep.internal.Native;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one input or output of a model in the caller's memory, an array or a direct buffer,
 * while they are predicted. Rows are copied between there and the device without a detour; only
 * rows in the middle of an array, which native calls cannot be pointed to, go through memory that
 * is kept for it. One object serves one call after the other.
 */
final class HostRows implements AutoCloseable {
  private static final Access ACCESS = Access.get();

  private final Device device;
  private final Stream stream;
  private final DType type;
  private final int elements; // of one row
  private @Nullable Object array; // float[] or int[]
  private long address; // of a direct buffer, where there is no array
  private @Nullable HostMemory staging;

  HostRows(Device device, Stream stream, DType type, int elements) {
    this.device = device;
    this.stream = stream;
    this.type = type;
    this.elements = elements;
  }

  /** Says where the rows of the next call are: in an array of the type, from 0 on. */
  void use(Object ofArray) {
    array = ofArray;
  }

  /** Says where the rows of the next call are: at the address of a buffer that the caller keeps. */
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
      HostMemory memory = staging(count);
      ByteBuffer bytes = memory.buffer();
      if (all instanceof int[] tokens) {
        bytes.asIntBuffer().put(tokens, from * elements, count * elements);
      } else {
        bytes.asFloatBuffer().put((float[]) all, from * elements, count * elements);
      }
      memory.upload(stream, target, 0, bytes(count));
      return;
    }
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          all == null
              ? hs_upload(handle, target, address + bytes(from), bytes(count))
              : all instanceof int[] tokens
                  ? ArrayCalls.hs_upload(handle, target, tokens, bytes(count))
                  : ArrayCalls.hs_upload(handle, target, (float[]) all, bytes(count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Copies {@code count} rows from device memory to where they are wanted, from {@code to} on. */
  void download(long source, int to, int count) {
    Object all = array;
    if (all != null && to > 0) {
      HostMemory memory = staging(count);
      memory.download(stream, source, 0, bytes(count));
      memory.buffer().asFloatBuffer().get((float[]) all, to * elements, count * elements);
      return;
    }
    long handle = ACCESS.enter(stream);
    try {
      Native.check(
          all == null
              ? hs_download(handle, address + bytes(to), source, bytes(count))
              : ArrayCalls.hs_download(handle, (float[]) all, source, bytes(count)));
    } finally {
      ACCESS.exit(stream);
    }
  }

  private HostMemory staging(int rows) {
    HostMemory memory = staging;
    if (memory == null || memory.buffer().capacity() < bytes(rows)) {
      close();
      memory = new HostMemory(device, Math.toIntExact(bytes(rows)));
      staging = memory;
    }
    return memory;
  }

  /** Bytes of host memory that are kept. */
  long stagingBytes() {
    HostMemory memory = staging;
    return memory == null ? 0 : memory.buffer().capacity();
  }

  @Override
  public void close() {
    if (staging != null) {
      staging.close();
      staging = null;
    }
  }
}
