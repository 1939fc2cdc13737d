package dev.halfstep;

import static dev.halfstep.bindings.Native.hs_device_count;
import static dev.halfstep.bindings.Native.hs_device_open;
import static dev.halfstep.bindings.Native.hs_device_query;
import static dev.halfstep.bindings.Native.hs_device_set_memory_limit;
import static dev.halfstep.bindings.Native.hs_fill;
import static dev.halfstep.bindings.Native.hs_get_threads;
import static dev.halfstep.bindings.Native.hs_host_alloc;
import static dev.halfstep.bindings.Native.hs_host_free;
import static dev.halfstep.bindings.Native.hs_set_threads;

import dev.halfstep.bindings.hs_device_info;
import dev.halfstep.internal.Access;
import dev.halfstep.internal.Native;
import dev.halfstep.internal.Operands;
import dev.halfstep.internal.Structs;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A processor with its memory: the CPU or a GPU. It makes tensors and streams; closing the device
 * closes them.
 *
 * <pre>{@code
 * try (Device device = Device.open("auto")) {
 *   Tensor x = device.tensor(Shape.of(2, 3), 1f, 2, 3, 4, 5, 6);
 *   float[] values = x.toFloats();
 * }
 * }</pre>
 *
 * <p>The thread that opens a device owns its default stream, which fills and copies tensors. {@link
 * #close}, {@link #info}, {@link #empty} and {@link #newStream} may come from any thread.
 */
public final class Device implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final Pattern ID = Pattern.compile("(cpu|cuda|noop|sim)(?::([0-9]{1,4}))?");

  static {
    Access.register(new CoreAccess());
  }

  private final DeviceState state;
  private final String selectionReason;
  private final Stream stream;

  private Device(DeviceState state, String selectionReason) {
    this.state = state;
    this.selectionReason = selectionReason;
    CLEANER.register(this, state::closeLeaked);
    this.stream = new Stream(this);
  }

  /**
   * Opens a device.
   *
   * @param id "cpu"; "cuda" or "cuda:1" for a GPU by its number; "auto" for the first GPU if there
   *     is one, otherwise the CPU; "noop", which computes nothing, to measure the cost of calls;
   *     "sim", which runs the CUDA kernels on the host and is in no library but that of the tests
   * @throws IllegalArgumentException if the id is none of these
   * @throws HalfstepException NO_DEVICE if there is no such device or its driver is missing
   */
  public static Device open(String id) {
    if (!id.equals("auto")) {
      return open(id, "asked for");
    }
    try {
      return open("cuda", "the first GPU");
    } catch (HalfstepException noGpu) {
      return open("cpu", "no GPU: " + noGpu.getMessage());
    }
  }

  /** Opens the CPU. */
  public static Device cpu() {
    return open("cpu");
  }

  private static Device open(String id, String reason) {
    Matcher matcher = ID.matcher(id);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "there is no device '" + id + "': possible are auto, cpu, cuda, cuda:1 ... and noop");
    }
    Native.load();
    int ordinal = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
    long[] handle = new long[1];
    Native.check(hs_device_open(matcher.group(1), ordinal, handle));
    return new Device(new DeviceState(id, handle[0]), reason);
  }

  /** The devices that can be opened here. A backend without a device has an entry that says why. */
  public static List<DeviceListing> devices() {
    Native.load();
    List<DeviceListing> devices = new ArrayList<>();
    for (String backend : List.of("cuda", "cpu")) {
      int[] count = new int[1];
      try {
        Native.check(hs_device_count(backend, count));
      } catch (HalfstepException none) {
        devices.add(new DeviceListing(backend, null, none.getMessage()));
      }
      for (int i = 0; i < count[0]; i++) {
        devices.add(listing(backend.equals("cpu") ? "cpu" : backend + ":" + i));
      }
    }
    return List.copyOf(devices);
  }

  private static DeviceListing listing(String id) {
    try (Device device = open(id)) {
      return new DeviceListing(id, device.info(), "");
    } catch (HalfstepException failure) {
      return new DeviceListing(id, null, failure.getMessage());
    }
  }

  /**
   * The number of threads of the CPU's pool, which the whole process shares; it counts the caller.
   */
  public static int threads() {
    Native.load();
    int[] threads = new int[1];
    Native.check(hs_get_threads(threads));
    return threads[0];
  }

  /**
   * Sets the number of threads of the pool. Results do not depend on it.
   *
   * @throws IllegalArgumentException unless it is in 1 ... 256
   */
  public static void threads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + ": it must be in 1 ... 256");
    }
    Native.load();
    Native.check(hs_set_threads(threads));
  }

  /** The id that {@link #open} was given; for "auto" the id of the device that it chose. */
  public String id() {
    return state.id;
  }

  /** Why this device was chosen; with "auto" and no GPU, what is missing for one. */
  public String selectionReason() {
    return selectionReason;
  }

  /** The device's name and kind, and how much of its memory is used now. */
  public DeviceInfo info() {
    hs_device_info info = new hs_device_info(Structs.memory(hs_device_info.class));
    state.call(device -> hs_device_query(device, info));
    return new DeviceInfo(
        info.backend().getString(),
        info.name().getString(),
        info.detail().getString(),
        info.ordinal(),
        info.threads(),
        info.memory_total(),
        info.memory_available(),
        info.memory_limit(),
        info.memory_used(),
        info.memory_peak());
  }

  /** Limits the bytes that tensors may hold at once; 0 lifts the limit. */
  public void memoryLimit(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("a limit of " + bytes + " bytes is not possible");
    }
    state.call(device -> hs_device_set_memory_limit(device, bytes));
  }

  /** The default stream. The thread that opened the device owns it. */
  public Stream stream() {
    return stream;
  }

  /** A new stream, owned by the calling thread. */
  public Stream newStream() {
    return new Stream(this);
  }

  /**
   * A stream over one that another library made on this device, owned by the calling thread: calls
   * on it run in the order in which they and that library's were made, without waiting on the host.
   * Closing it waits for the calls and does not destroy the other library's stream, which must live
   * until then.
   *
   * @param nativeHandle on CUDA a {@code CUstream} or {@code cudaStream_t}, as {@link
   *     Stream#nativeHandle} gives; 0 is CUDA's legacy default stream, on which nothing can be
   *     recorded
   * @throws IllegalArgumentException if it is a stream of another device
   * @throws HalfstepException UNSUPPORTED on a device without such streams, as the CPU
   */
  public Stream wrapStream(long nativeHandle) {
    return new Stream(this, nativeHandle);
  }

  /**
   * A tensor whose contents are undefined.
   *
   * @throws HalfstepException OUT_OF_MEMORY, with what holds the memory
   */
  public Tensor empty(DType dtype, Shape shape) {
    long bytes = shape.elements() * dtype.bytes(); // no overflow: see Shape.MAX_ELEMENTS
    Storage storage = state.allocate(bytes, dtype + " " + shape);
    return new Tensor(this, storage, dtype, shape);
  }

  /** A tensor of zeros, filled on the default stream. */
  public Tensor zeros(DType dtype, Shape shape) {
    Tensor tensor = empty(dtype, shape);
    try {
      fill(tensor);
    } catch (RuntimeException failure) {
      tensor.close();
      throw failure;
    }
    return tensor;
  }

  private void fill(Tensor tensor) {
    long handle = stream.enter();
    try {
      long elements = tensor.shape().elements();
      long address = stream.use(tensor, "the tensor");
      Native.check(hs_fill(handle, tensor.dtype().code(), address, elements, 0));
    } finally {
      stream.exit();
    }
  }

  /** An F32 tensor with these values, row by row. */
  public Tensor tensor(Shape shape, float... values) {
    Tensor tensor = empty(DType.F32, shape);
    try {
      tensor.upload(values);
    } catch (RuntimeException failure) {
      tensor.close();
      throw failure;
    }
    return tensor;
  }

  /** An I32 tensor with these values, row by row. */
  public Tensor tensor(Shape shape, int... values) {
    Tensor tensor = empty(DType.I32, shape);
    try {
      tensor.upload(values);
    } catch (RuntimeException failure) {
      tensor.close();
      throw failure;
    }
    return tensor;
  }

  /** Whether {@link #close} was called. */
  public boolean isClosed() {
    return state.closed();
  }

  /**
   * Waits for calls in progress, then frees all memory, streams and command lists. May be called
   * twice and from any thread.
   */
  @Override
  public void close() {
    state.close();
  }

  @Override
  public String toString() {
    return state.id;
  }

  DeviceState state() {
    return state;
  }

  private static final class CoreAccess extends Access {
    @Override
    public long enter(@Nullable Stream stream) {
      return stream == null ? 0 : stream.enter();
    }

    @Override
    public void exit(@Nullable Stream stream) {
      if (stream != null) {
        stream.exit();
      }
    }

    @Override
    public long use(Stream stream, Tensor tensor, String name, DType dtype, long elements) {
      return Operands.present(stream, "stream")
          .use(Operands.present(tensor, name), name, dtype, elements, elements);
    }

    @Override
    public long useAtLeast(Stream stream, Tensor tensor, String name, DType dtype, long elements) {
      return Operands.present(stream, "stream")
          .use(Operands.present(tensor, name), name, dtype, elements, Long.MAX_VALUE);
    }

    @Override
    public long allocateHost(Device device, long bytes) {
      long[] address = new long[1];
      device.state.call(handle -> hs_host_alloc(handle, bytes, address));
      return address[0];
    }

    @Override
    public void freeHost(Device device, long address) {
      if (!device.isClosed()) {
        device.state.call(handle -> hs_host_free(handle, address));
      }
    }
  }
}
