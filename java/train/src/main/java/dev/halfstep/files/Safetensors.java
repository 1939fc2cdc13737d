package dev.halfstep.files;

import dev.halfstep.Shape;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes files of named tensors in a format that PyTorch, NumPy and others use too: the
 * <a href="https://github.com/huggingface/safetensors">safetensors</a> format. Eight bytes with the
 * header's length (little-endian), a JSON header with type, shape and place of each tensor, then
 * their bytes, little-endian and row-major, one after the other without gaps.
 *
 * <p>The format has no checksum. Files written here carry one in their metadata, under {@code
 * halfstep.checksum}: {@code halfstep-sha256:} and the SHA-256 of the whole file with zeros in
 * place of its 64 digits. If a file has it, reading verifies it. A program that copies such a
 * file's metadata to another file must leave this entry out.
 */
public final class Safetensors {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int MOST_ELEMENTS = Integer.MAX_VALUE - 8; // of a Java array

  private Safetensors() {}

  /** A tensor of a file. */
  public static final class Entry {
    private final TensorType type;
    private final Shape shape;
    private final @Nullable Object data; // float[], double[] of F64, byte[] of U8, or not read

    private Entry(TensorType type, Shape shape, @Nullable Object data) {
      this.type = type;
      this.shape = shape;
      this.data = data;
    }

    /**
     * A tensor of single-precision numbers; the values are not copied.
     *
     * @param values row-major, as many as the shape has elements
     * @throws IllegalArgumentException if there are more or fewer
     */
    public Entry(Shape shape, float[] values) {
      this(TensorType.F32, shape, values);
      requireAll(shape, values.length);
    }

    /**
     * A tensor of double-precision numbers, of type F64; the values are not copied.
     *
     * @param values row-major, as many as the shape has elements
     * @throws IllegalArgumentException if there are more or fewer
     */
    public Entry(Shape shape, double[] values) {
      this(TensorType.F64, shape, values);
      requireAll(shape, values.length);
    }

    /**
     * A tensor of bytes, of type U8; they are not copied.
     *
     * @param values row-major, as many as the shape has elements
     * @throws IllegalArgumentException if there are more or fewer
     */
    public Entry(Shape shape, byte[] values) {
      this(TensorType.U8, shape, values);
      requireAll(shape, values.length);
    }

    private static void requireAll(Shape shape, int values) {
      if (values != shape.elements()) {
        throw new IllegalArgumentException(
            "a tensor of shape " + shape + " has " + shape.elements() + " values, not " + values);
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
     * The type that it is written with: numbers that were read from 16-bit types are written as
     * F32.
     */
    private TensorType writtenType(String name) {
      if (data == null) {
        throw new IllegalArgumentException(
            "tensor " + name + " of type " + type + " was not read and cannot be written");
      }
      return data instanceof float[] ? TensorType.F32 : type;
    }

    /**
     * The values, row-major in the file's shape, not copied. Values of F64 are rounded to single
     * precision in a new array. In a model they may have another order: see {@code
     * Model.set(String, Entry)}.
     *
     * @throws IllegalStateException if {@link #isReadable} is false
     */
    public float[] values() {
      if (data instanceof double[] wide) {
        float[] rounded = new float[wide.length];
        for (int i = 0; i < rounded.length; i++) {
          rounded[i] = (float) wide[i];
        }
        return rounded;
      }
      if (data instanceof float[] values) {
        return values;
      }
      throw new IllegalStateException(
          "a tensor of type " + type + " is not read: F32, BF16, F16 and F64 are");
    }

    /**
     * The values of a tensor of F64, row-major, not copied.
     *
     * @throws IllegalStateException if it has another type
     */
    public double[] doubles() {
      if (data instanceof double[] values) {
        return values;
      }
      throw new IllegalStateException("a tensor of type " + type + " has no doubles, F64 has");
    }

    /**
     * The values of a tensor of U8, row-major, not copied.
     *
     * @throws IllegalStateException if it has another type
     */
    public byte[] bytes() {
      if (data instanceof byte[] values) {
        return values;
      }
      throw new IllegalStateException("a tensor of type " + type + " has no bytes, U8 has");
    }
  }

  /**
   * The contents of a file.
   *
   * @param file the file that was read
   * @param metadata texts by name, without the checksum
   * @param tensors by name, in the order of the file
   */
  public record Contents(Path file, Map<String, String> metadata, Map<String, Entry> tensors) {
    /** Keeps the order of the tensors. */
    public Contents {
      metadata = Map.copyOf(metadata);
      tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    }

    /**
     * The same tensors under other names, for example if a file has {@code backbone.0.weight} and
     * the model {@code 0.weight}.
     *
     * @throws IllegalArgumentException if two tensors get the same name
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
   * Writes a file completely or not at all (see {@link AtomicFile}). The same tensors and metadata
   * give the same bytes.
   *
   * @param tensors by name, in the order of the file
   * @param metadata texts for readers of the file; the method adds the checksum and {@code format =
   *     pt}, which means that names and layouts are PyTorch's
   * @throws IOException if the file cannot be written, or names, shapes and texts together exceed
   *     the format's limit of 100 MB; an existing file is then unchanged
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
      Entry entry = tensor.getValue();
      TensorType type = entry.writtenType(tensor.getKey());
      end += type.bytes(entry.shape.elements());
      places.add(new SafetensorsHeader.Tensor(tensor.getKey(), type, entry.shape, begin, end));
    }
    byte[] header = new SafetensorsHeader(texts, places).toBytes();
    if (header.length > SafetensorsHeader.MOST_BYTES) {
      throw new IOException(
          file
              + ": cannot be written: names, shapes and texts take "
              + header.length
              + " bytes, and the format allows "
              + SafetensorsHeader.MOST_BYTES);
    }
    Checksum checksum = new Checksum();
    emit(header, tensors, checksum::update);
    checksum.insertInto(header);
    AtomicFile.write(
        file,
        out ->
            emit(
                header,
                tensors,
                bytes -> out.write(bytes.array(), bytes.arrayOffset(), bytes.limit())));
  }

  /** Receives the bytes of a file in parts, each in a buffer's array up to its limit. */
  @FunctionalInterface
  private interface Sink {
    void take(ByteBuffer bytes) throws IOException;
  }

  private static void emit(byte[] header, Map<String, Entry> tensors, Sink sink)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    sink.take(buffer.putLong(header.length).flip());
    sink.take(ByteBuffer.wrap(header));
    for (Entry tensor : tensors.values()) {
      int length = tensor.data == null ? 0 : Array.getLength(tensor.data);
      int capacity = BUFFER_BYTES / (tensor.data instanceof double[] ? Double.BYTES : Float.BYTES);
      for (int from = 0; from < length; from += Math.min(capacity, length - from)) {
        int count = Math.min(capacity, length - from);
        buffer.clear();
        if (tensor.data instanceof float[] values) {
          buffer.asFloatBuffer().put(values, from, count);
          buffer.limit(count * Float.BYTES);
        } else if (tensor.data instanceof double[] values) {
          buffer.asDoubleBuffer().put(values, from, count);
          buffer.limit(count * Double.BYTES);
        } else if (tensor.data instanceof byte[] values) {
          buffer.put(values, from, count).flip();
        }
        sink.take(buffer);
      }
    }
  }

  /**
   * Reads a file of any writer.
   *
   * @throws ModelFileException if the file does not exist, is not a safetensors file, or is
   *     damaged: its header violates the format, its length differs from the header's, or its
   *     checksum is wrong
   * @throws IOException if it cannot be read
   */
  public static Contents read(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new ModelFileException(file, "is a folder, expected a safetensors file");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new ModelFileException(file, "is no regular file, expected a safetensors file");
    }
    // A stream, because an interrupt of the thread would close a channel.
    try (InputStream in = new FileInputStream(file.toFile())) {
      return read(file, Files.size(file), in);
    } catch (FileNotFoundException | NoSuchFileException e) {
      throw new ModelFileException(
          file, Files.exists(file) ? "may not be read" : "there is no such file");
    }
  }

  private static Contents read(Path file, long size, InputStream in) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (size < Long.BYTES) {
      throw new ModelFileException(file, "is truncated: it has " + size + " bytes");
    }
    fill(file, in, buffer.limit(Long.BYTES));
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
    fill(file, in, ByteBuffer.wrap(bytes));
    SafetensorsHeader header = SafetensorsHeader.parse(file, bytes, rest - length);
    Checksum checksum = new Checksum();
    boolean checked = Checksum.isIn(file, bytes, header.metadata());
    byte[] expected = checked ? Checksum.takeOutOf(bytes) : bytes;
    checksum.update(buffer);
    checksum.update(ByteBuffer.wrap(bytes));
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (SafetensorsHeader.Tensor tensor : header.tensors()) {
      tensors.put(tensor.name(), read(file, in, tensor, buffer, checksum));
    }
    if (in.read() >= 0) {
      throw new ModelFileException(file, "is damaged: it became longer while it was read");
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
      InputStream in,
      SafetensorsHeader.Tensor tensor,
      ByteBuffer buffer,
      Checksum checksum)
      throws IOException {
    TensorType type = tensor.type();
    long elements = tensor.shape().elements();
    if (type.isReadable() && elements > MOST_ELEMENTS) {
      throw new ModelFileException(
          file,
          "tensor "
              + tensor.name()
              + " has "
              + elements
              + " elements, at most "
              + MOST_ELEMENTS
              + " are read");
    }
    boolean bytes = type == TensorType.U8 && elements <= MOST_ELEMENTS;
    Object data =
        type == TensorType.F64
            ? new double[(int) elements]
            : type.isReadable()
                ? new float[(int) elements]
                : bytes ? new byte[(int) elements] : null;
    long left = tensor.end() - tensor.begin();
    int at = 0;
    while (left > 0) {
      int count = (int) Math.min(left, BUFFER_BYTES);
      fill(file, in, buffer.clear().limit(count));
      if (data != null) {
        int numbers = (int) (count * elements / (tensor.end() - tensor.begin()));
        type.read(buffer, data, at, numbers);
        at += numbers;
      }
      checksum.update(buffer);
      left -= count;
    }
    return new Entry(type, tensor.shape(), data);
  }

  /** Fills a buffer from position 0 to its limit, and sets the position to 0 again. */
  private static void fill(Path file, InputStream in, ByteBuffer buffer) throws IOException {
    if (in.readNBytes(buffer.array(), buffer.arrayOffset(), buffer.limit()) < buffer.limit()) {
      throw new ModelFileException(file, "is truncated: it became shorter while it was read");
    }
    buffer.position(0);
  }
}
