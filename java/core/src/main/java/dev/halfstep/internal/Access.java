package dev.halfstep.internal;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import java.lang.invoke.MethodHandles;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The methods of devices, streams and tensors that only Halfstep's own kernels and layers may call.
 * {@link Device} registers the one instance when its class is initialized.
 */
public abstract class Access {
  private static volatile @Nullable Access instance;

  /** For the one implementation. */
  protected Access() {}

  /** Registers the implementation. */
  public static void register(Access access) {
    instance = access;
  }

  /** The implementation; keep it in a static final field. */
  public static Access get() {
    try {
      MethodHandles.lookup().ensureInitialized(Device.class);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
    return Objects.requireNonNull(instance);
  }

  /**
   * Enters a stream: until {@link #exit} its device cannot be closed and no tensor be freed.
   *
   * @return the native stream; 0 for a null stream, the CPU at once
   * @throws IllegalStateException if the stream or its device is closed
   */
  public abstract long enter(@Nullable Stream stream);

  /** Leaves what {@link #enter} entered. */
  public abstract void exit(@Nullable Stream stream);

  /**
   * The address of a tensor that a call on an entered stream reads or writes, after checking that
   * it is open, on the stream's device, of this type, and has this many elements. While the stream
   * records, the list keeps the tensor's memory.
   */
  public abstract long use(Stream stream, Tensor tensor, String name, DType dtype, long elements);

  /** As {@link #use}, of a tensor that has this many elements or more. */
  public abstract long useAtLeast(
      Stream stream, Tensor tensor, String name, DType dtype, long elements);

  /** As {@link #useAtLeast} of a tensor whose rows may lie apart, otherwise as {@link #use}. */
  public final long useStrided(
      Stream stream, Tensor tensor, String name, DType dtype, long elements, boolean strided) {
    return strided
        ? useAtLeast(stream, tensor, name, dtype, elements)
        : use(stream, tensor, name, dtype, elements);
  }

  /** As {@link #use}; 0 for null. */
  public final long useOptional(
      Stream stream, @Nullable Tensor tensor, String name, DType dtype, long elements) {
    return tensor == null ? 0 : use(stream, tensor, name, dtype, elements);
  }

  /** Host memory from which copies are fastest, of a device that is open. */
  public abstract long allocateHost(Device device, long bytes);

  /**
   * Frees memory from {@link #allocateHost}. Does nothing if the device is closed, since closing it
   * freed the memory.
   */
  public abstract void freeHost(Device device, long address);
}
