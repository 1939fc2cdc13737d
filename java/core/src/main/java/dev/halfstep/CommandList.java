package dev.halfstep;

import java.util.List;

/**
 * Kernel calls recorded once with {@link Stream#capture} and run with one call by {@link
 * Stream#launch}. Every launch uses the addresses and sizes of the recorded calls; values that
 * change from launch to launch lie in device memory. The memory of tensors used in it lives until
 * the list is closed, even if the tensors are closed before; raw addresses are the caller's
 * business. On a GPU the list also holds scratch memory of its kernels, which counts as used memory
 * of the device. Closing the device closes its lists.
 */
public final class CommandList implements AutoCloseable {
  private final Device device;
  private final long handle;
  private final long size;
  private final List<Storage> storages;
  private volatile boolean closed;

  CommandList(Device device, long handle, long size, List<Storage> storages) {
    this.device = device;
    this.handle = handle;
    this.size = size;
    this.storages = storages;
  }

  /** The device on which it was recorded. */
  public Device device() {
    return device;
  }

  /** The number of kernel calls in it. */
  public long size() {
    return size;
  }

  /** Whether it can no longer be launched. */
  public boolean isClosed() {
    return closed || device.isClosed();
  }

  /** The native list, checked for a launch on this device; the caller has entered a stream. */
  long handleFor(Device caller) {
    if (closed) {
      throw new IllegalStateException("the command list is closed: record it again to launch it");
    }
    if (caller != device) {
      throw new IllegalArgumentException(
          "the command list was recorded on "
              + device
              + " and cannot run on "
              + caller
              + ": record it there");
    }
    return handle;
  }

  /** Frees the list, after a launch in progress; may be called twice and from any thread. */
  @Override
  public void close() {
    device
        .state()
        .withGatesHeld(
            () -> {
              if (!closed) {
                closed = true;
                device.state().destroy(handle, storages);
              }
            });
  }

  @Override
  public String toString() {
    return "command list of " + size + " calls on " + device;
  }
}
