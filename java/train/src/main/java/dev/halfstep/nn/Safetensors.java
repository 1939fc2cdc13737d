package dev.halfstep.nn;

import dev.halfstep.Shape;
import dev.halfstep.graph.Parameter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Files of named tensors as PyTorch, NumPy and others read them: the <a
 * href="https://github.com/huggingface/safetensors">safetensors</a> format. Eight bytes with the
 * header's length (little-endian), a JSON header with type, shape and place of each tensor, then
 * their bytes, little-endian and row-major, one after the other without gaps.
 */
public final class Safetensors {
  /** Tensors begin at a multiple of this in the file: the header is filled up with spaces. */
  private static final int ALIGNMENT = 8;

  private static final int BUFFER_BYTES = 1 << 16;

  private Safetensors() {}

  /** A tensor of single-precision numbers. */
  public static final class Entry {
    private final Shape shape;
    private final float[] values;

    /**
     * A tensor; the values are not copied.
     *
     * @param values row-major, as many as the shape has elements
     * @throws IllegalArgumentException if there are more or fewer
     */
    public Entry(Shape shape, float[] values) {
      if (values.length != shape.elements()) {
        throw new IllegalArgumentException(
            "a tensor of shape "
                + shape
                + " has "
                + shape.elements()
                + " values, not "
                + values.length);
      }
      this.shape = shape;
      this.values = values;
    }
  }

  /**
   * Writes a file, all or nothing (see {@link AtomicFile}). The same tensors give the same bytes.
   *
   * @param tensors by name, in the order in which they are to lie in the file
   * @param metadata texts for whoever reads the file; {@code format = pt} is added, which says that
   *     names and layouts are PyTorch's
   * @throws IOException if the file cannot be written; a file that stood there is unchanged then
   */
  public static void write(Path file, Map<String, Entry> tensors, Map<String, String> metadata)
      throws IOException {
    byte[] header = header(tensors, metadata);
    AtomicFile.write(
        file,
        channel -> {
          ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
          buffer.putLong(header.length).flip();
          writeFully(channel, buffer);
          writeFully(channel, ByteBuffer.wrap(header));
          for (Entry tensor : tensors.values()) {
            write(channel, tensor.values, buffer);
          }
        });
  }

  /**
   * Writes the weights of a model under the names and in the layout that PyTorch gives them.
   *
   * @throws IOException if the file cannot be written; a file that stood there is unchanged then
   * @throws IllegalStateException if the model has no weights yet
   */
  public static void write(Path file, Model model, Map<String, String> metadata)
      throws IOException {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (Parameter parameter : model.parameters().list()) {
      tensors.put(parameter.name(), new Entry(parameter.shape(), model.get(parameter.name())));
    }
    write(file, tensors, metadata);
  }

  private static void write(FileChannel channel, float[] values, ByteBuffer buffer)
      throws IOException {
    int capacity = buffer.capacity() / Float.BYTES;
    for (int from = 0; from < values.length; from += capacity) {
      int count = Math.min(capacity, values.length - from);
      buffer.clear();
      buffer.asFloatBuffer().put(values, from, count);
      buffer.limit(count * Float.BYTES);
      writeFully(channel, buffer);
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static byte[] header(Map<String, Entry> tensors, Map<String, String> metadata) {
    Map<String, String> texts = new TreeMap<>(metadata);
    texts.put("format", "pt");
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put(
        "__metadata__",
        texts.entrySet().stream()
            .map(text -> quote(text.getKey()) + ":" + quote(text.getValue()))
            .collect(Collectors.joining(",", "{", "}")));
    long offset = 0;
    for (Map.Entry<String, Entry> tensor : tensors.entrySet()) {
      long end = offset + (long) tensor.getValue().values.length * Float.BYTES;
      fields.put(
          tensor.getKey(),
          "{\"dtype\":\"F32\",\"shape\":"
              + tensor.getValue().shape.toString().replace(" ", "")
              + ",\"data_offsets\":["
              + offset
              + ","
              + end
              + "]}");
      offset = end;
    }
    String json =
        fields.entrySet().stream()
            .map(field -> quote(field.getKey()) + ":" + field.getValue())
            .collect(Collectors.joining(",", "{", "}"));
    int length = json.getBytes(StandardCharsets.UTF_8).length;
    int padding = Math.floorMod(-length, ALIGNMENT);
    return (json + " ".repeat(padding)).getBytes(StandardCharsets.UTF_8);
  }

  /** A JSON string: quotes, backslashes and control characters are escaped. */
  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
