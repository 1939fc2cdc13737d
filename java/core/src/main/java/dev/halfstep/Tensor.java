package dev.halfstep;

import static dev.halfstep.bindings.Native.hs_cast;

import dev.halfstep.internal.Native;
import java.lang.ref.Cleaner;
import java.nio.Buffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Memory of a device with a type and a shape, dense and row-major. A tensor that a {@link Device}
 * made owns its memory: close it when it is no longer needed. {@link #slice} and {@link #reshape}
 * make views, which own nothing and are closed with the tensor that they were made from. Copies run
 * on the device's default stream, so the thread that owns that stream makes them. The garbage
 * collector waits while an array is copied: use direct buffers for hundreds of megabytes. A closed
 * tensor refuses every use with an {@link IllegalStateException}.
 */
public final class Tensor implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  private final Device device;
  private final Storage storage;
  private final DType dtype;
  private final Shape shape;
  private final long offset; // bytes from the storage's beginning
  private final @Nullable Tensor owner; // null: this one owns its memory

  /** A tensor that owns its memory. */
  Tensor(Device device, Storage storage, DType dtype, Shape shape) {
    this(device, storage, dtype, shape, 0, null);
    DeviceState state = device.state();
    CLEANER.register(this, () -> state.leaked(storage));
  }

  private Tensor(
      Device device,
      Storage storage,
      DType dtype,
      Shape shape,
      long offset,
      @Nullable Tensor owner) {
    this.device = device;
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.offset = offset;
    this.owner = owner;
  }

  /** The device whose memory it is. */
  public Device device() {
    return device;
  }

  /** The type of its elements. */
  public DType dtype() {
    return dtype;
  }

  /** Its extents, outermost first. */
  public Shape shape() {
    return shape;
  }

  /** Bytes of all its elements. */
  public long bytes() {
    return shape.elements() * dtype.bytes();
  }

  /**
   * Its address in the device's memory, for calls that take addresses; 0 if it has no elements. The
   * caller keeps the tensor open while the address is in use.
   */
  public long address() {
    requireOpen("this tensor");
    return addressInside();
  }

  /** Names the tensor in messages, such as the one that says who holds the memory; returns it. */
  public Tensor label(String label) {
    storage.label(Objects.requireNonNull(label, "label"));
    return this;
  }

  /**
   * Rows {@code from} to {@code to} (exclusive) of the first dimension, a view.
   *
   * @throws IndexOutOfBoundsException if they are not within it
   */
  public Tensor slice(long from, long to) {
    requireOpen("this tensor");
    Shape row = shape.dropFirst();
    Objects.checkFromToIndex(from, to, shape.dim(0));
    long start = offset + from * row.elements() * dtype.bytes();
    return new Tensor(device, storage, dtype, row.prepend(to - from), start, root());
  }

  /**
   * The same elements in another shape, a view.
   *
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public Tensor reshape(Shape other) {
    requireOpen("this tensor");
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException(
          "a tensor of shape "
              + shape
              + " cannot become "
              + other
              + ": they have "
              + shape.elements()
              + " and "
              + other.elements()
              + " elements");
    }
    return new Tensor(device, storage, dtype, other, offset, root());
  }

  private Tensor root() {
    return owner == null ? this : owner;
  }

  /**
   * Copies values in, all of them; BF16 and F16 are rounded to nearest, ties to even.
   *
   * @throws IllegalArgumentException if their number differs, or the tensor is I32, U8, I64 or F64
   */
  public void upload(float... values) {
    switch (dtype) {
      case F32 -> Transfers.upload(this, values);
      case BF16, F16 -> {
        Transfers.requireCount(this, values.length);
        try (Tensor staged = device.empty(DType.F32, shape).label("staging of an upload")) {
          staged.upload(values);
          cast(staged, this);
        }
      }
      default -> throw Transfers.mismatch(this, "float[]");
    }
  }

  /** Copies values into an I32 tensor, all of them. */
  public void upload(int... values) {
    Transfers.require(this, DType.I32, "int[]");
    Transfers.upload(this, values);
  }

  /** Copies bytes into a U8 tensor, all of them. */
  public void upload(byte... values) {
    Transfers.require(this, DType.U8, "byte[]");
    Transfers.upload(this, values);
  }

  /**
   * Copies a buffer in, from its position to its limit, as the tensor's own type: a ByteBuffer
   * holds the bytes of any type, a ShortBuffer the bits of BF16 and F16. The position stays.
   *
   * @throws IllegalArgumentException unless the buffer is direct, in native order, of the tensor's
   *     type and has exactly its size
   */
  public void upload(Buffer values) {
    Transfers.upload(this, values);
  }

  /** Copies an F32, BF16 or F16 tensor out, all of it; U8 and I32 are converted too. */
  public void download(float[] values) {
    Transfers.requireCount(this, values.length);
    switch (dtype) {
      case F32 -> Transfers.download(this, values);
      case BF16, F16, U8, I32 -> {
        try (Tensor staged = device.empty(DType.F32, shape).label("staging of a download")) {
          cast(this, staged);
          staged.download(values);
        }
      }
      default -> throw Transfers.mismatch(this, "float[]");
    }
  }

  /** Copies an I32 tensor out, all of it. */
  public void download(int[] values) {
    Transfers.require(this, DType.I32, "int[]");
    Transfers.download(this, values);
  }

  /** Copies a U8 tensor out, all of it. */
  public void download(byte[] values) {
    Transfers.require(this, DType.U8, "byte[]");
    Transfers.download(this, values);
  }

  /**
   * Copies the tensor into a buffer, from its position on. The buffer must be as for {@link
   * #upload(Buffer)}.
   */
  public void download(Buffer values) {
    Transfers.download(this, values);
  }

  /** The values of an F32, BF16, F16, U8 or I32 tensor. */
  public float[] toFloats() {
    float[] values = new float[Transfers.arrayLength(this)];
    download(values);
    return values;
  }

  /** The values of an I32 tensor. */
  public int[] toInts() {
    int[] values = new int[Transfers.arrayLength(this)];
    download(values);
    return values;
  }

  private static void cast(Tensor from, Tensor to) {
    Stream stream = to.device.stream();
    long elements = to.shape.elements();
    long handle = stream.enter();
    try {
      long source = stream.use(from, "the source");
      long target = stream.use(to, "the target");
      Native.check(hs_cast(handle, from.dtype.code(), source, to.dtype.code(), target, elements));
    } finally {
      stream.exit();
    }
  }

  /** Whether it, the tensor it views, or its device is closed. */
  public boolean isClosed() {
    return storage.closed() || device.isClosed();
  }

  private void requireOpen(String name) {
    if (isClosed()) {
      throw new IllegalStateException(
          name
              + ", "
              + this
              + ", is closed"
              + (device.isClosed() ? " with its device" : "")
              + ": its memory is gone");
    }
  }

  /** Throws unless the tensor may be an operand of a call. */
  void require(Device caller, String name, DType expected, long least, long most) {
    if (device != caller) {
      throw new IllegalArgumentException(
          name + " lies on " + device + ", but the call is made on " + caller);
    }
    long elements = shape.elements();
    if (dtype != expected || elements < least || elements > most) {
      throw new IllegalArgumentException(
          name
              + " is "
              + dtype
              + " "
              + shape
              + ", but "
              + expected
              + " with "
              + (most == least ? "" : "at least ")
              + least
              + " elements is needed");
    }
    requireOpen(name);
  }

  long addressInside() {
    return storage.address == 0 ? 0 : storage.address + offset;
  }

  Storage storage() {
    return storage;
  }

  /**
   * Frees the memory, after calls in progress, or with the last command list that uses it. May be
   * called twice and from any thread. On a view nothing happens.
   */
  @Override
  public void close() {
    if (owner == null) {
      device.state().close(storage);
    }
  }

  @Override
  public String toString() {
    return dtype + " " + shape + " on " + device;
  }
}
