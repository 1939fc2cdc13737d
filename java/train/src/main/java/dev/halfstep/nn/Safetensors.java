package dev.halfstep.nn;

import dev.halfstep.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * Files of named tensors as PyTorch, NumPy and others read and write them: the <a
 * href="https://github.com/huggingface/safetensors">safetensors</a> format. Eight bytes with the
 * header's length (little-endian), a JSON header with type, shape and place of each tensor, then
 * their bytes, little-endian and row-major, one after the other without gaps.
 *
 * <p>The format has no checksum. Files written here carry one in their metadata, under {@code
 * halfstep.checksum}: {@code halfstep-sha256:} and the SHA-256 of the whole file, taken with zeros
 * in the place of its own 64 digits. It is verified where it is there. A program that takes such a
 * file's metadata over into another file must leave this entry out.
 */
public final class Safetensors {
  private static final int BUFFER_BYTES = 1 << 16;

  private Safetensors() {}

  /** A tensor of a file. */
  public static final class Entry {
    private final TensorType type;
    private final Shape shape;
    private final float[] values;

    private Entry(TensorType type, Shape shape, float[] values) {
      this.type = type;
      this.shape = shape;
      this.values = values;
    }

    /**
     * A tensor of single-precision numbers; the values are not copied.
     *
     * @param values row-major, as many as the shape has elements
     * @throws IllegalArgumentException if there are more or fewer
     */
    public Entry(Shape shape, float[] values) {
      this(TensorType.F32, shape, values);
      if (values.length != shape.elements()) {
        throw new IllegalArgumentException(
            "a tensor of shape "
                + shape
                + " has "
                + shape.elements()
                + " values, not "
                + values.length);
      }
    }

    /** The type in the file, by its name in the format: {@code F32}, {@code BF16}, {@code I64}. */
    public String type() {
      return type.name();
    }

    /** The shape in the file. */
    public Shape shape() {
      return shape;
    }

    /** Whether {@link #values} are known: the type is F32, BF16, F16 or F64. */
    public boolean isReadable() {
      return type.isReadable();
    }

    /**
     * The values, row-major in the file's shape, not copied; those of F64 rounded to single
     * precision. A model has them in another order: {@link Model#set(String, Entry)}.
     *
     * @throws IllegalStateException if they are of a type that is not read
     */
    public float[] values() {
      if (!isReadable()) {
        throw new IllegalStateException(
            "a tensor of type " + type + " is not read: F32, BF16, F16 and F64 are");
      }
      return values;
    }
  }

  /**
   * What a file holds.
   *
   * @param file where it was read from
   * @param metadata texts by name, without the checksum
   * @param tensors by name, in the order in which they lie in the file
   */
  public record Contents(Path file, Map<String, String> metadata, Map<String, Entry> tensors) {
    /** Keeps the order of the tensors. */
    public Contents {
      metadata = Map.copyOf(metadata);
      tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    }

    /**
     * The same tensors under other names, as where a file has {@code backbone.0.weight} and the
     * model {@code 0.weight}.
     *
     * @throws IllegalArgumentException if two get the same name
     */
    public Contents renamed(UnaryOperator<String> rename) {
      Map<String, Entry> named = new LinkedHashMap<>();
      for (Map.Entry<String, Entry> tensor : tensors.entrySet()) {
        String name = rename.apply(tensor.getKey());
        if (named.put(name, tensor.getValue()) != null) {
          throw new IllegalArgumentException("two tensors would be named " + name);
        }
      }
      return new Contents(file, metadata, named);
    }
  }

  /**
   * Writes a file, all or nothing (see {@link AtomicFile}). The same tensors give the same bytes.
   *
   * @param tensors by name, in the order in which they are to lie in the file
   * @param metadata texts for whoever reads the file; {@code format = pt}, which says that names
   *     and layouts are PyTorch's, and the checksum are added
   * @throws IOException if the file cannot be written; a file that stood there is unchanged then
   */
  public static void write(Path file, Map<String, Entry> tensors, Map<String, String> metadata)
      throws IOException {
    Map<String, String> sorted = new TreeMap<>(metadata);
    sorted.put("format", "pt");
    sorted.keySet().removeAll(Checksum.PLACEHOLDER.keySet());
    Map<String, String> texts = new LinkedHashMap<>(Checksum.PLACEHOLDER);
    texts.putAll(sorted);
    List<SafetensorsHeader.Tensor> places = new ArrayList<>();
    long end = 0;
    for (Map.Entry<String, Entry> tensor : tensors.entrySet()) {
      long begin = end;
      end += (long) tensor.getValue().values.length * Float.BYTES;
      places.add(
          new SafetensorsHeader.Tensor(
              tensor.getKey(), TensorType.F32, tensor.getValue().shape, begin, end));
    }
    byte[] header = new SafetensorsHeader(texts, places).toBytes();
    Checksum checksum = new Checksum();
    emit(header, tensors, checksum::update);
    checksum.insertInto(header);
    AtomicFile.write(
        file,
        channel ->
            emit(
                header,
                tensors,
                bytes -> {
                  while (bytes.hasRemaining()) {
                    channel.write(bytes);
                  }
                }));
  }

  /** Takes the bytes of a file, one part after the other. */
  @FunctionalInterface
  private interface Sink {
    void take(ByteBuffer bytes) throws IOException;
  }

  private static void emit(byte[] header, Map<String, Entry> tensors, Sink sink)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    sink.take(buffer.putLong(header.length).flip());
    sink.take(ByteBuffer.wrap(header));
    int capacity = BUFFER_BYTES / Float.BYTES;
    for (Entry tensor : tensors.values()) {
      for (int from = 0; from < tensor.values.length; from += capacity) {
        int count = Math.min(capacity, tensor.values.length - from);
        buffer.clear();
        buffer.asFloatBuffer().put(tensor.values, from, count);
        sink.take(buffer.limit(count * Float.BYTES));
      }
    }
  }

  /**
   * Reads a file, also one by another writer.
   *
   * @throws ModelFileException if there is no such file, it is no safetensors file, or it is
   *     damaged: its header is not what the format says, it is longer or shorter than its header
   *     says, or it has a checksum and that differs
   * @throws IOException if it cannot be read
   */
  public static Contents read(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new ModelFileException(file, "is a folder, expected a safetensors file");
    }
    try (FileChannel channel = FileChannel.open(file)) {
      return read(file, channel);
    } catch (NoSuchFileException e) {
      throw new ModelFileException(file, "there is no such file");
    }
  }

  private static Contents read(Path file, FileChannel channel) throws IOException {
    long size = channel.size();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (size < Long.BYTES) {
      throw new ModelFileException(file, "is truncated: it has " + size + " bytes");
    }
    fill(file, channel, buffer.limit(Long.BYTES));
    long length = buffer.getLong(0);
    long rest = size - Long.BYTES;
    if (length < 0 || length > Math.min(rest, SafetensorsHeader.MOST_BYTES)) {
      throw new ModelFileException(
          file,
          "is truncated or no safetensors file: a header of "
              + Long.toUnsignedString(length)
              + " bytes cannot stand in the "
              + rest
              + " that follow");
    }
    byte[] bytes = new byte[(int) length];
    fill(file, channel, ByteBuffer.wrap(bytes));
    SafetensorsHeader header = SafetensorsHeader.parse(file, bytes, rest - length);
    Checksum checksum = new Checksum();
    boolean checked = Checksum.isIn(file, bytes, header.metadata());
    byte[] expected = checked ? Checksum.takeOutOf(bytes) : bytes;
    checksum.update(buffer);
    checksum.update(ByteBuffer.wrap(bytes));
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (SafetensorsHeader.Tensor tensor : header.tensors()) {
      tensors.put(tensor.name(), read(file, channel, tensor, buffer, checksum));
    }
    if (checked) {
      checksum.verify(file, expected);
    }
    Map<String, String> metadata = new LinkedHashMap<>(header.metadata());
    metadata.keySet().removeAll(Checksum.PLACEHOLDER.keySet());
    return new Contents(file, metadata, tensors);
  }

  private static Entry read(
      Path file,
      FileChannel channel,
      SafetensorsHeader.Tensor tensor,
      ByteBuffer buffer,
      Checksum checksum)
      throws IOException {
    boolean readable = tensor.type().isReadable();
    long elements = tensor.shape().elements();
    if (readable && elements > Integer.MAX_VALUE) {
      throw new ModelFileException(
          file,
          "tensor " + tensor.name() + " has " + elements + " elements, at most 2^31 - 1 are read");
    }
    float[] values = new float[readable ? (int) elements : 0];
    long left = tensor.end() - tensor.begin();
    int at = 0;
    while (left > 0) {
      int count = (int) Math.min(left, BUFFER_BYTES);
      fill(file, channel, buffer.clear().limit(count));
      if (readable) {
        int numbers = (int) (count * elements / (tensor.end() - tensor.begin()));
        tensor.type().read(buffer, values, at, numbers);
        at += numbers;
      }
      checksum.update(buffer);
      left -= count;
    }
    return new Entry(tensor.type(), tensor.shape(), values);
  }

  /** Fills a buffer from position 0 to its limit, and goes back to 0. */
  private static void fill(Path file, FileChannel channel, ByteBuffer buffer) throws IOException {
    buffer.position(0);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new ModelFileException(file, "is truncated: it became shorter while it was read");
      }
    }
    buffer.flip();
  }
}
