package dev.halfstep.internal;

import static dev.halfstep.bindings.Native.hs_download;
import static dev.halfstep.bindings.Native.hs_upload;
import static dev.halfstep.bindings.Native.hs_upload_async;

import dev.halfstep.Device;
import dev.halfstep.Stream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Host memory from which copies to a device are fastest (pinned on CUDA), aligned to 256 bytes.
 * Never handed to users: its buffer must not be touched after {@link #close}.
 */
public final class HostMemory implements AutoCloseable {
  private static final Access ACCESS = Access.get();

  private final Device device;
  private final long address;
  private final ByteBuffer buffer;
  private boolean closed;

  /** At most 2^31 - 1 bytes, zeroed. */
  public HostMemory(Device device, int bytes) {
    this.device = device;
    this.address = ACCESS.allocateHost(device, bytes);
    BytePointer pointer = new BytePointer(new AddressOnly(address)).capacity(bytes);
    Pointer.memset(pointer, 0, bytes);
    this.buffer = pointer.asByteBuffer().order(ByteOrder.nativeOrder());
  }

  /** A pointer that owns nothing. */
  private static final class AddressOnly extends Pointer {
    AddressOnly(long address) {
      this.address = address;
    }
  }

  /** The whole memory, in native order. */
  public ByteBuffer buffer() {
    return buffer;
  }

  /** Where it lies. */
  public long address() {
    return address;
  }

  /** Copies bytes from here to device memory; they have been read on return. */
  public void upload(Stream stream, long target, long offset, long bytes) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_upload(handle, target, address + offset, bytes));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /**
   * Begins to copy bytes from here to device memory: they must stay as they are until the stream
   * has been synchronized.
   */
  public void uploadAsync(Stream stream, long target, long offset, long bytes) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_upload_async(handle, target, address + offset, bytes));
    } finally {
      ACCESS.exit(stream);
    }
  }

  /** Copies bytes from device memory to here; they are here on return. */
  public void download(Stream stream, long source, long offset, long bytes) {
    long handle = ACCESS.enter(stream);
    try {
      Native.check(hs_download(handle, address + offset, source, bytes));
    } finally {
      ACCESS.exit(stream);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      ACCESS.freeHost(device, address);
    }
  }
}
