package dev.halfstep;

import static dev.halfstep.bindings.Native.HS_OK;
import static dev.halfstep.bindings.Native.hs_capture_begin;
import static dev.halfstep.bindings.Native.hs_capture_end;
import static dev.halfstep.bindings.Native.hs_list_launch;
import static dev.halfstep.bindings.Native.hs_list_size;
import static dev.halfstep.bindings.Native.hs_stream_destroy;
import static dev.halfstep.bindings.Native.hs_stream_native;
import static dev.halfstep.bindings.Native.hs_stream_set_tf32;
import static dev.halfstep.bindings.Native.hs_stream_share;
import static dev.halfstep.bindings.Native.hs_stream_synchronize;
import static dev.halfstep.bindings.Native.hs_stream_wait;
import static dev.halfstep.bindings.Native.hs_stream_wrap;

import dev.halfstep.internal.Native;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An order of calls on a device. On a CPU a call has finished when it returns; on a GPU calls are
 * asynchronous until {@link #synchronize} or a download. A stream belongs to the thread that made
 * it, until that thread calls {@link #release} and another one {@link #adopt}; a call from any
 * other thread is refused with an {@link IllegalStateException}. Virtual threads own streams as
 * others do.
 */
public final class Stream implements AutoCloseable {
  private final Device device;
  private final Gate gate;
  private final long handle;
  // A Java thread, which the native library cannot tell: virtual ones move between its threads.
  private volatile @Nullable Thread owner = Thread.currentThread(); // null: released
  private @Nullable Set<Storage> recorded; // what the list being recorded uses; the owner's
  private boolean tf32; // the owner's

  /** Makes the native stream of a device, into the array's only element. */
  private interface Maker {
    int make(long device, long[] stream);
  }

  private Stream(Device device, Maker maker) {
    this.device = device;
    long[] created = new long[1];
    this.gate =
        device
            .state()
            .newGate(
                deviceHandle -> {
                  int status = maker.make(deviceHandle, created);
                  return status == HS_OK ? hs_stream_share(created[0]) : status;
                });
    this.handle = created[0];
  }

  Stream(Device device) {
    this(device, dev.halfstep.bindings.Native::hs_stream_create);
  }

  /** Wraps a native stream that another library made. */
  Stream(Device device, long nativeHandle) {
    this(device, (deviceHandle, stream) -> hs_stream_wrap(deviceHandle, nativeHandle, stream));
  }

  /** The device that the stream belongs to. */
  public Device device() {
    return device;
  }

  /**
   * Waits until all calls on the stream have finished, and reports what failed since the last time.
   */
  public void synchronize() {
    long stream = enter();
    try {
      Native.check(hs_stream_synchronize(stream));
    } finally {
      exit();
    }
  }

  /**
   * Lets calls that are made on this stream from now on run after all calls that were made on the
   * other one so far. The calling thread, which owns both, does not wait.
   *
   * @throws IllegalArgumentException if the other stream is another device's
   * @throws IllegalStateException if one of them records
   */
  public void waitFor(Stream other) {
    if (other.device != device) {
      throw new IllegalArgumentException(
          "a stream of "
              + device
              + " cannot wait for one of another device, "
              + other.device
              + ": synchronize that one");
    }
    if (other != this) {
      // Under the device's lock, for two gates are taken: see DeviceState.
      device.state().call(unused -> waitInside(other));
    }
  }

  private int waitInside(Stream other) {
    long stream = enter();
    try {
      long awaited = other.enter();
      try {
        return hs_stream_wait(stream, awaited);
      } finally {
        other.exit();
      }
    } finally {
      exit();
    }
  }

  /**
   * The stream as CUDA's own libraries know it ({@code CUstream}, {@code cudaStream_t}), valid
   * until it is closed. Calls that they make on it run in the order in which they and ours were
   * made; a recording includes them too. Such libraries can use the addresses of tensors directly.
   *
   * @throws HalfstepException UNSUPPORTED on a device without such streams, as the CPU
   */
  public long nativeHandle() {
    long stream = enter();
    try {
      long[] handle = new long[1];
      Native.check(hs_stream_native(stream, handle));
      return handle[0];
    } finally {
      exit();
    }
  }

  /**
   * Whether matrix products and convolutions of {@link DType#F32} that are called or recorded on
   * this stream from now on may round their operands to TF32: 10 bits of mantissa instead of 23, to
   * nearest, in exchange for the rate of tensor cores. Sums, biases, their gradients and results
   * stay F32. A command list keeps the setting with which it was recorded. The setting is false at
   * first, and has no effect on a CPU, which has no tensor cores.
   */
  public void allowTf32(boolean allowed) {
    long stream = enter();
    try {
      Native.check(hs_stream_set_tf32(stream, allowed ? 1 : 0));
      tf32 = allowed;
    } finally {
      exit();
    }
  }

  /** What {@link #allowTf32} was last told; for the stream's owner. */
  public boolean allowsTf32() {
    return tf32;
  }

  /**
   * Gives the stream up, so that one other thread may {@link #adopt} it.
   *
   * @throws IllegalStateException if the stream records
   */
  public void release() {
    enter();
    try {
      if (recorded != null) {
        throw new IllegalStateException("release while the stream records: end the capture first");
      }
      owner = null;
    } finally {
      exit();
    }
  }

  /**
   * Makes the stream the calling thread's.
   *
   * @throws IllegalStateException if its owner has not released it
   */
  public void adopt() {
    if (!gate.enter()) {
      throw closedException();
    }
    try {
      if (owner != null && owner != Thread.currentThread()) {
        throw new IllegalStateException(
            "the stream still belongs to another thread, " + owner + ": it must release it");
      }
      owner = Thread.currentThread();
    } finally {
      exit();
    }
  }

  /**
   * Records the kernel calls that {@code calls} makes on this stream, instead of running them. If
   * it throws, the recording is dropped. Copies and other captures on this stream are refused
   * meanwhile.
   */
  public CommandList capture(Runnable calls) {
    long stream = enter();
    try {
      Native.check(hs_capture_begin(stream));
      recorded = new LinkedHashSet<>();
    } finally {
      exit();
    }
    boolean finished = false;
    try {
      calls.run();
      finished = true;
    } finally {
      if (!finished) {
        dropCapture();
      }
    }
    return endCapture();
  }

  private CommandList endCapture() {
    long stream = enter();
    boolean ended = false;
    List<Storage> used = List.copyOf(Objects.requireNonNullElse(recorded, Set.of()));
    try {
      long[] list = new long[1];
      long[] size = new long[1];
      recorded = null;
      Native.check(hs_capture_end(stream, list));
      Native.check(hs_list_size(list[0], size));
      ended = true;
      return new CommandList(device, list[0], size[0], used);
    } finally {
      exit();
      if (!ended) {
        device.state().withGatesHeld(() -> device.state().release(used));
      }
    }
  }

  /**
   * Errors are ignored, so that the exception that ended the recording is the one that is thrown.
   */
  private void dropCapture() {
    if (gate.enter()) {
      List<Storage> used = List.copyOf(Objects.requireNonNullElse(recorded, Set.of()));
      recorded = null;
      hs_capture_end(handle, (long[]) null);
      exit();
      device.state().withGatesHeld(() -> device.state().release(used));
    }
  }

  /** Runs a list once. */
  public void launch(CommandList list) {
    launch(list, 1);
  }

  /**
   * Runs a list {@code times} times, one after the other.
   *
   * @throws IllegalArgumentException if it was recorded on another device or times is negative
   * @throws IllegalStateException if the list, the stream or the device is closed
   */
  public void launch(CommandList list, int times) {
    long stream = enter();
    try {
      Native.check(hs_list_launch(stream, list.handleFor(device), times));
    } finally {
      exit();
    }
  }

  /** Whether the stream or its device is closed. */
  public boolean isClosed() {
    return gate.isShut();
  }

  /** The native stream, for its owner, while nobody can close it, until {@link #exit}. */
  long enter() {
    if (owner != Thread.currentThread() && !gate.isShut()) {
      throw notOwned();
    }
    if (!gate.enter()) {
      throw closedException();
    }
    return handle;
  }

  private IllegalStateException closedException() {
    return device.isClosed()
        ? device.state().closedException()
        : new IllegalStateException("the stream is closed: make a new one from its device");
  }

  private IllegalStateException notOwned() {
    Thread other = owner;
    return new IllegalStateException(
        other == null
            ? "the stream was released and no thread has adopted it"
            : "the stream belongs to another thread, "
                + other
                + ": that one must release it, then this one adopt it");
  }

  void exit() {
    gate.exit();
  }

  /** The address of a tensor for a call on this entered stream. */
  long use(Tensor tensor, String name) {
    return use(tensor, name, tensor.dtype(), 0, Long.MAX_VALUE);
  }

  /** As above, of a tensor of this type with {@code least} to {@code most} elements. */
  long use(Tensor tensor, String name, DType dtype, long least, long most) {
    tensor.require(device, name, dtype, least, most);
    if (recorded != null && recorded.add(tensor.storage())) {
      tensor.storage().retain();
    }
    return tensor.addressInside();
  }

  /**
   * Waits for the stream's calls and frees it. May be called twice and from any thread; one that
   * records takes no more calls and is freed with its device.
   */
  @Override
  public void close() {
    device.state().closeStream(gate, () -> hs_stream_destroy(handle));
  }

  @Override
  public String toString() {
    return "stream of " + device;
  }
}
